/*
 * expand: the places in a command's arguments where a secret's file is asked
 * for.
 *
 *	{label}	the path of the file with that label
 *	{{	a '{'
 *	${	stays, with what follows it: it is the shell's, or a template's
 *
 * Every other brace stays as it is: JSON, shell functions, and names in
 * braces that are no label.
 */
#ifndef COFRE_EXPAND_H
#define COFRE_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

struct expand_label {
	const char *label;
	const char *path; /* what is put in its place */
	bool used;	  /* set when a text asks for it */
};

/* Find out which labels a text asks for. */
void expand_look(const char *text, struct expand_label *labels, size_t n);

/* The text with paths in it: the caller's, to be freed with free(), or NULL. */
char *expand_make(const char *text, struct expand_label *labels, size_t n);

#endif
