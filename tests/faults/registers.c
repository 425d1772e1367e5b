#include "registers.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

static void
get_registers(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec v = { regs, sizeof(*regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == -1)
		die("PTRACE_GETREGSET");
}

static void
set_registers(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec v = { regs, sizeof(*regs) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) == -1)
		die("PTRACE_SETREGSET");
}

#if defined(__x86_64__)
void
registers_call(pid_t pid, long nr)
{
	struct user_regs_struct regs;

	get_registers(pid, &regs);
	regs.orig_rax = (unsigned long)nr;
	set_registers(pid, &regs);
}

void
registers_result(pid_t pid, long result)
{
	struct user_regs_struct regs;

	get_registers(pid, &regs);
	regs.rax = (unsigned long)result;
	set_registers(pid, &regs);
}

void
registers_length(pid_t pid, uint64_t length)
{
	struct user_regs_struct regs;

	get_registers(pid, &regs);
	regs.rdx = length;
	set_registers(pid, &regs);
}
#elif defined(__aarch64__)
#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif
void
registers_call(pid_t pid, long nr)
{
	int number = (int)nr;
	struct iovec v = { &number, sizeof(number) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v) == -1)
		die("NT_ARM_SYSTEM_CALL");
}

void
registers_result(pid_t pid, long result)
{
	struct user_regs_struct regs;

	get_registers(pid, &regs);
	regs.regs[0] = (unsigned long)result;
	set_registers(pid, &regs);
}

void
registers_length(pid_t pid, uint64_t length)
{
	struct user_regs_struct regs;

	get_registers(pid, &regs);
	regs.regs[2] = length;
	set_registers(pid, &regs);
}
#else
#error "no system call registers are known for this machine"
#endif
