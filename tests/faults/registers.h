/*
 * registers: what a call of a stopped process is, in the registers of this
 * machine.
 */
#ifndef FAULTS_REGISTERS_H
#define FAULTS_REGISTERS_H

#include <stdint.h>
#include <sys/types.h>

/* Say what has failed, by errno, and end. */
void die(const char *what);

/* Before a call: make it another one, with the same arguments. */
void registers_call(pid_t pid, long nr);

/* Before it: its third argument, which often is a length. */
void registers_length(pid_t pid, uint64_t length);

/* After it: what it returns. */
void registers_result(pid_t pid, long result);

#endif
