#include "said.h"

#include <stdio.h>

#include "cmd.h"
#include "output.h"

static void
pass(struct said *s)
{
	char text[OUTPUT_ESCAPED(SAID_LINE)];
	size_t len = s->len;

	s->len = 0;
	if (s->full)
		return;
	if (len > 0 && s->line[len - 1] == '\r')
		len--;
	/* What this program has escaped itself has backslashes. */
	s->passed += 1 + output_escape_rest(text, sizeof(text),
	    (struct view){ s->line, len });
	if (s->passed <= SAID_MAX) {
		(void)fprintf(stderr, "%s\n", text);
		return;
	}
	s->full = true;
	cmd_warn("it says more, which is left out");
}

void
said_take(struct said *s, struct view bytes)
{
	for (size_t i = 0; i < bytes.len && !s->full; i++) {
		if (bytes.data[i] == '\n' || s->len == SAID_LINE)
			pass(s);
		if (bytes.data[i] != '\n')
			s->line[s->len++] = bytes.data[i];
	}
}

void
said_end(struct said *s)
{
	if (s->len > 0)
		pass(s);
}
