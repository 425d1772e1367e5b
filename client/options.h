/*
 * options: the command line of one verb, described by a table.
 *
 * The table says what each option is called, where its value goes, and what
 * the help says of it.  Options may stand before and after the arguments;
 * "--" ends them.  An option's name must be written out: getopt_long(3)
 * would take any beginning that is not ambiguous, and then an option that is
 * added later could change what an old script means.
 */
#ifndef COFRE_OPTIONS_H
#define COFRE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "sizes.h"
#include "problem.h"

enum option_type {
	OPTION_FLAG,   /* to: bool * */
	OPTION_TEXT,   /* to: const char **, NULL at first; once only */
	OPTION_NUMBER, /* to: struct option_number *; once only */
	OPTION_LIST,   /* to: struct option_list *; any number of times */
};

struct option_number {
	bool given;
	uint32_t value;
};

struct option_list {
	const char *items[COFRE_FIELDS_MAX];
	size_t count;
};

struct option_row {
	const char *name; /* without the dashes */
	char letter;	  /* 0: none */
	enum option_type type;
	const char *value; /* what the help calls the value; NULL for a flag */
	void *to;
	const char *help;
};

#define OPTIONS_MAX 16u

struct option_usage {
	const char *synopsis; /* "get WS/NAME [option ...]", without "cofre" */
	const char *about;    /* what the verb does; lines end with \n */
	const struct option_row *rows;
	size_t count; /* of rows, at most OPTIONS_MAX */
	size_t min;   /* of arguments that are no options */
	size_t max;
};

enum option_result {
	OPTION_RUN,  /* all is set; the arguments are in *args */
	OPTION_HELP, /* --help was asked for */
	OPTION_BAD,  /* the problem says why */
};

/*
 * Read a command line; argv[0] is the verb.  *args points into argv, which
 * may be reordered, and *count says how many there are.  The texts that the
 * options get point into argv too.
 */
enum option_result options_parse(const struct option_usage *u, int argc,
    char **argv, char ***args, size_t *count, struct problem *p);

/* Print the help text of a verb. */
void options_help(const struct option_usage *u, FILE *f);

#endif
