#include "expand.h"

#include <stdlib.h>
#include <string.h>

/* Where the text goes; with to NULL it is only counted. */
struct sink {
	char *to;
	size_t len;
};

static void
put(struct sink *k, const char *from, size_t n)
{
	if (k->to != NULL)
		memcpy(k->to + k->len, from, n);
	k->len += n;
}

/* The label that stands, with its '}', at the beginning of text; or NULL. */
static struct expand_label *
find(const char *text, struct expand_label *labels, size_t n)
{
	size_t len = strcspn(text, "}");

	if (text[len] == '\0')
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strlen(labels[i].label) == len &&
		    memcmp(labels[i].label, text, len) == 0)
			return &labels[i];
	return NULL;
}

static void
walk(const char *p, struct expand_label *labels, size_t n, struct sink *k)
{
	struct expand_label *l;

	while (*p != '\0') {
		if (strncmp(p, "${", 2) == 0) {
			put(k, p, 2);
			p += 2;
		} else if (strncmp(p, "{{", 2) == 0) {
			put(k, p, 1);
			p += 2;
		} else if (*p == '{' && (l = find(p + 1, labels, n)) != NULL) {
			l->used = true;
			if (l->path != NULL)
				put(k, l->path, strlen(l->path));
			p += strlen(l->label) + 2;
		} else
			put(k, p++, 1);
	}
}

void
expand_look(const char *text, struct expand_label *labels, size_t n)
{
	struct sink count = { NULL, 0 };

	walk(text, labels, n, &count);
}

char *
expand_make(const char *text, struct expand_label *labels, size_t n)
{
	struct sink count = { NULL, 0 };
	struct sink k = { NULL, 0 };

	walk(text, labels, n, &count);
	k.to = malloc(count.len + 1);
	if (k.to == NULL)
		return NULL;
	walk(text, labels, n, &k);
	k.to[k.len] = '\0';
	return k.to;
}
