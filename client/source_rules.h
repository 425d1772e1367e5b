/*
 * source_rules: which workspace may ask which source for what.
 *
 * Whoever may write a credential binds it to a source and chooses the
 * arguments; the source runs with the rights of whoever runs the resync.  So
 * the file "rules" beside the sources, which is the administrator's, says
 * what may be asked.  One line each, and everything else is not allowed:
 *
 *	SOURCE WORKSPACE [ARGUMENT=PATTERN ...]	# comment
 *
 * WORKSPACE and PATTERN may hold '*' (any bytes, and none) and '?' (one byte),
 * neither of which matches '/'.  A line matches when all of it does: each
 * argument that is given is named in it, and each that it names is given.
 * An argument with a control character, or with ".." between its slashes, is
 * matched by no line.
 *
 * Pure: no I/O, no memory of its own, time bounded by the sizes.
 */
#ifndef COFRE_SOURCE_RULES_H
#define COFRE_SOURCE_RULES_H

#include "problem.h"
#include "sizes.h"
#include "wire.h"

/* A larger file is no rules file. */
#define SOURCE_RULES_MAX (64u * 1024)

/* An argument, or a field: both are the caller's. */
struct source_pair {
	struct view name;
	struct view value;
};

/* What is asked of a source, as far as rules go. */
struct source_question {
	struct view source;
	struct view workspace;
	const struct source_pair *arguments;
	size_t count;
};

/* A source's name: [A-Za-z0-9] [A-Za-z0-9._-]*, at most SOURCE_NAME_MAX bytes,
   and not "rules". */
bool source_name_is_valid(struct view name);

/*
 * Is every line of the text one of the form above?  FORMAT, with a problem
 * that names the line's number: then nothing is allowed.
 */
enum cofre_status source_rules_check(struct view text, struct problem *p);

/*
 * Could a line allow it, whatever the administrator writes?  INVALID, with a
 * problem that says what no line matches: names that are none, too many
 * arguments or one that is there twice, a value with a control character or
 * with ".." between its slashes.
 */
enum cofre_status source_rules_possible(const struct source_question *q,
    struct problem *p);

/*
 * Does a line allow it?  The text has been checked; one that is wrong allows
 * nothing.
 */
bool source_rules_allow(struct view text, const struct source_question *q);

/*
 * The line that would allow just this, for a message, cut off at size bytes
 * with the NUL.  A value that can't stand in a line as it is, or would match
 * more than itself there, is left out behind its "=".  Returns to.
 */
char *source_rules_line(const struct source_question *q, char *to,
    size_t size);

#endif
