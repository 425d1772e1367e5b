#include "listing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sizes.h"
#include "output.h"

struct listing {
	const struct listing_column *columns;
	size_t n;
	size_t at;    /* the column that is next */
	bool bad;
	json_t *rows; /* NULL for a table */
	json_t *row;  /* the last one, borrowed from rows */
	char **cells; /* row after row; the first row are the heads */
	size_t count;
	size_t room;
};

/* Take a cell, which is the listing's from here on. */
static void
add_cell(struct listing *l, char *cell)
{
	if (cell == NULL)
		l->bad = true;
	if (!l->bad && l->count == l->room) {
		size_t room = l->room * 2 + 64;
		char **more = reallocarray(l->cells, room, sizeof(*more));

		if (more != NULL) {
			l->cells = more;
			l->room = room;
		} else {
			l->bad = true;
		}
	}
	if (l->bad)
		free(cell);
	else
		l->cells[l->count++] = cell;
}

/* note: it was escaped before. */
static void
add_escaped(struct listing *l, struct view v, bool note)
{
	char *cell = malloc(OUTPUT_ESCAPED(v.len));

	if (cell != NULL && note)
		(void)output_escape_rest(cell, OUTPUT_ESCAPED(v.len), v);
	else if (cell != NULL)
		(void)output_escape(cell, OUTPUT_ESCAPED(v.len), v);
	add_cell(l, cell);
}

/* Take a value, which is the listing's from here on. */
static void
add_json(struct listing *l, json_t *value)
{
	if (l->at == 0) {
		l->row = json_object();
		if (json_array_append_new(l->rows, l->row) != 0)
			l->bad = true;
	}
	if (l->bad) {
		json_decref(value);
		return;
	}
	if (json_object_set_new(l->row, l->columns[l->at].key, value) != 0)
		l->bad = true;
}

static void
add(struct listing *l, struct view text, bool note, json_t *value)
{
	if (l->bad)
		json_decref(value);
	else if (l->rows != NULL)
		add_json(l, value);
	else
		add_escaped(l, text, note);
	l->at = (l->at + 1) % l->n;
}

struct listing *
listing_new(bool json, const struct listing_column *columns, size_t n)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->columns = columns;
	l->n = n;
	if (json) {
		l->rows = json_array();
		l->bad = l->rows == NULL;
		return l;
	}
	for (size_t i = 0; i < n; i++)
		add_escaped(l, view_of(columns[i].head), false);
	return l;
}

static void
add_text(struct listing *l, struct view v, bool note)
{
	if (l == NULL)
		return;
	if (l->rows != NULL)
		add(l, v, note, v.len == 0 ? json_null() : output_json_view(v));
	else
		add(l, v.len == 0 ? view_of("-") : v, note, NULL);
}

void
listing_view(struct listing *l, struct view v)
{
	add_text(l, v, false);
}

void
listing_note(struct listing *l, struct view v)
{
	add_text(l, v, true);
}

static void
add_array(struct listing *l, const char *const *texts, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(all,
			output_json_view(view_of(texts[i]))) != 0)
			l->bad = true;
	add(l, view_of(""), false, all);
}

void
listing_texts(struct listing *l, const char *const *texts, size_t count)
{
	size_t size = 1, len = 0;
	char *all;

	if (l == NULL)
		return;
	if (l->rows != NULL) {
		add_array(l, texts, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		size += strlen(texts[i]) + 1;
	all = malloc(size);
	if (all == NULL) {
		l->bad = true;
		return;
	}
	all[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(all + len, size - len, "%s%s",
		    i > 0 ? " " : "", texts[i]);
	add_text(l, view_of(all), false);
	free(all);
}

void
listing_text(struct listing *l, const char *text)
{
	listing_view(l, view_of(text));
}

void
listing_number(struct listing *l, uint64_t v)
{
	char text[24];

	if (l == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	add(l, view_of(text), false,
	    l->rows != NULL ? output_json_number(v) : NULL);
}

void
listing_flag(struct listing *l, bool v)
{
	if (l != NULL)
		add(l, view_of(v ? "yes" : "no"), false,
		    l->rows != NULL ? json_boolean(v) : NULL);
}

void
listing_id(struct listing *l, uint32_t id)
{
	if (id == NO_ID)
		listing_either(l, "any", "");
	else
		listing_number(l, id);
}

void
listing_time(struct listing *l, uint64_t us)
{
	char text[OUTPUT_TIME];

	if (us == 0)
		listing_text(l, "");
	else
		listing_text(l, output_time(us, text));
}

void
listing_either(struct listing *l, const char *text, const char *json)
{
	if (l != NULL)
		listing_text(l, l->rows != NULL ? json : text);
}

/* How many columns of a terminal a cell takes: one for each character. */
static size_t
width(const char *cell)
{
	size_t n = 0;

	for (; *cell != '\0'; cell++)
		if (((unsigned char)*cell & 0xc0u) != 0x80)
			n++;
	return n;
}

static size_t
column_width(const struct listing *l, size_t column)
{
	size_t most = 0;

	for (size_t i = column; i < l->count; i += l->n) {
		size_t n = width(l->cells[i]);

		most = n > most ? n : most;
	}
	return most;
}

static bool
print_table(const struct listing *l, FILE *f)
{
	size_t *widths = calloc(l->n, sizeof(*widths));

	if (widths == NULL)
		return false;
	for (size_t i = 0; i < l->n; i++)
		widths[i] = column_width(l, i);
	for (size_t i = 0; i < l->count; i++) {
		size_t column = i % l->n;
		size_t pad = widths[column] - width(l->cells[i]);

		if (column + 1 == l->n)
			(void)fprintf(f, "%s\n", l->cells[i]);
		else
			(void)fprintf(f, "%s%*s", l->cells[i], (int)pad + 2,
			    "");
	}
	free(widths);
	return true;
}

void
listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++)
		free(l->cells[i]);
	free(l->cells);
	json_decref(l->rows);
	free(l);
}

bool
listing_print(struct listing *l, FILE *f)
{
	bool good = l != NULL && !l->bad;

	if (good && l->rows != NULL)
		good = output_json(json_incref(l->rows), f);
	else if (good)
		good = print_table(l, f);
	listing_free(l);
	return good;
}
