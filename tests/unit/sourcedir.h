/*
 * sourcedir: a directory of sources for the tests, which is root's: a program
 * that does what its argument "do" says (source_program.c), and rules that
 * allow it.  Every function that can fail ends the test.
 */
#ifndef TESTS_SOURCEDIR_H
#define TESTS_SOURCEDIR_H

#include "source_run.h"

#define SOURCEDIR_JOBS 128

/* What came of a job. */
struct sourcedir_result {
	unsigned done; /* how often */
	enum cofre_status status;
	char reason[400];
	char said[OUTPUT_ESCAPED(SOURCE_TEXT_MAX)];
	struct source_pair fields[8]; /* copied */
	size_t field_count;
	uint8_t slot;
	uint64_t serial;
	bool ok;
	char probe_reason[128];
};

struct sourcedir {
	struct source_dir dir;
	struct source_options options;
	struct source_pair arguments[SOURCEDIR_JOBS];
	struct source_job jobs[SOURCEDIR_JOBS];
	struct sourcedir_result results[SOURCEDIR_JOBS];
	size_t count;
	size_t done;
	void (*ready)(void); /* called when the pool is made, or NULL */
};

/* Make and remove the directory: fixtures.  False, with a line that says so:
   the process is not root's. */
bool sourcedir_is_root(void);
void sourcedir_setup(void);
void sourcedir_teardown(void);

/* Its path, and that of a file in it: valid until the next but one. */
const char *sourcedir_path(void);
char *sourcedir_file(const char *name);

/* Make a file anew, root's. */
void sourcedir_write(const char *name, const char *text, unsigned mode);

/* Open the directory; the options are a deadline of 20 s. */
struct sourcedir *sourcedir_open(void);
void sourcedir_close(struct sourcedir *d);

/* A pull of the source, with do=what; it can be changed. */
struct source_job *sourcedir_add(struct sourcedir *d, const char *source,
    const char *what);

/* Run all that were added. */
void sourcedir_run(struct sourcedir *d);

/* Open, run that one, and close; the result stays until the next call. */
struct sourcedir_result *sourcedir_one(const char *source, const char *what,
    unsigned deadline_ms);

/* A field of the result, which must be there, as text. */
const char *sourcedir_field(const struct sourcedir_result *r,
    const char *name);

/* How many processes execute a file of the directory. */
unsigned sourcedir_processes(void);

#endif
