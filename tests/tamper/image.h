/*
 * image: a state directory in memory, to be written out again and again.
 * What can fail ends the program, with a message.
 */
#ifndef TESTS_TAMPER_IMAGE_H
#define TESTS_TAMPER_IMAGE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILES_MAX 32u
#define PAGE 4096u

struct file {
	char name[64];	  /* in the state directory */
	uint8_t *data;	  /* its first used bytes; NULL: it is not there */
	size_t size;
	size_t used;	  /* behind it there are zeros, without disk space */
};

/* Its files; the first two are the stores. */
struct image {
	struct file files[FILES_MAX];
	size_t count;
};

enum { DATA_FILE, SSH_FILE, FIRST_LOG };

/* Say it and end. */
void die(const char *what) __attribute__((noreturn));

/* Memory that must be had. */
void *must_alloc(size_t size);

/*
 * How the child ends, as waitpid(2) says it; after so many seconds it is
 * killed.  SIGCHLD, which is in *child, is blocked.  Time in which all of this
 * was stopped counts as a second at most: who waits is stopped as well.
 */
int must_end(pid_t pid, const sigset_t *child, unsigned seconds);

/* Read a state directory. */
void image_load(struct image *im, const char *dir);

/* Make the current directory the same as the image, and nothing more. */
void image_write(const struct image *im);

/* The file of that name, or -1. */
int image_find(const struct image *im, const char *name);

/* Is it a segment of the log? */
bool is_log(const struct file *f);

#endif
