#include "cmd.h"

#include <inttypes.h>
#include <string.h>

#include "logcheck.h"
#include "output.h"

/* activity verify: check the log's files without the daemon. */

#define HEX(len) (2 * (len) + 1)

static const char not_shown[] =
    "Without the vault's key this does not show whether somebody who can "
    "write these\nfiles cut the end off, or wrote the last part of the log "
    "anew: the tags are\nchecked by the daemon, when it is unlocked and when "
    "records are read.  Note the\nlast chain value in a place that this "
    "machine can't write to, and give it with\n--known next time.\n";

static char *
hex(char *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)snprintf(to + 2 * i, 3, "%02x", from[i]);
	return to;
}

/* A chain value from text: 64 hex digits. */
static bool
unhex(uint8_t to[LOG_CHAIN_LEN], const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (strlen(text) != 2 * LOG_CHAIN_LEN)
		return false;
	for (size_t i = 0; i < LOG_CHAIN_LEN; i++) {
		high = strchr(digits, text[2 * i]);
		low = strchr(digits, text[2 * i + 1]);
		if (high == NULL || low == NULL)
			return false;
		to[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return true;
}

static void
print_records(const struct logcheck *l)
{
	char first[OUTPUT_TIME], last[OUTPUT_TIME];

	(void)printf("records   %" PRIu64, l->records);
	if (l->untagged > 0)
		(void)printf(", %" PRIu64 " of them without a tag: written "
		    "while the vault was locked", l->untagged);
	(void)printf("\n");
	if (l->records == 0)
		return;
	(void)printf("cells     %" PRIu64 " to %" PRIu64 "\n", l->first,
	    l->end - 1);
	(void)printf("first     %s\n", output_time(l->first_time, first));
	(void)printf("last      %s, in cell %" PRIu64 "\n",
	    output_time(l->last_time, last), l->last_cell);
}

static void
print_notes(const struct logcheck *l)
{
	if (l->first > 0)
		(void)printf("note      begins at cell %" PRIu64 ": what was "
		    "before it is not here and not checked\n", l->first);
	if (l->torn > 0)
		(void)printf("note      %zu torn end%s, kept aside by the "
		    "daemon after a crash (*.torn)\n", l->torn,
		    l->torn == 1 ? "" : "s");
	if (l->unfinished)
		(void)printf("note      behind the last record are bytes of "
		    "one that a killed daemon did not complete\n");
}

static void
print_text(const struct logcheck *l, bool good)
{
	char id[HEX(sizeof(l->log_id))], chain[HEX(LOG_CHAIN_LEN)];

	(void)printf("log       %s\n",
	    hex(id, l->log_id, sizeof(l->log_id)));
	(void)printf("segments  %zu\n", l->segments);
	print_records(l);
	(void)printf("chain     %s\n", hex(chain, l->chain, LOG_CHAIN_LEN));
	if (l->known_at != LOGCHECK_LATER)
		(void)printf("known     at cell %" PRIu64 "\n", l->known_at);
	print_notes(l);
	(void)printf("\n%s\n%s", good ?
	    "Every record follows from the one before it." :
	    "THE LOG DOES NOT VERIFY; the above is what is before the bad "
	    "place.", not_shown);
}

/* The first bad place, or null. */
static json_t *
json_problem(const struct logcheck *l)
{
	if (l->reason[0] == '\0')
		return json_null();
	return json_pack("{s:s, s:o, s:s}", "file", l->file, "cell",
	    output_json_number(l->cell), "reason", l->reason);
}

static bool
print_json(const struct logcheck *l, bool good)
{
	char id[HEX(sizeof(l->log_id))], chain[HEX(LOG_CHAIN_LEN)];
	json_t *j;

	j = json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, "
	    "s:o, s:o, s:b, s:o}",
	    "verified", (int)good,
	    "log", hex(id, l->log_id, sizeof(l->log_id)),
	    "segments", output_json_number(l->segments),
	    "first_cell", output_json_number(l->first),
	    "end_cell", output_json_number(l->end),
	    "records", output_json_number(l->records),
	    "untagged", output_json_number(l->untagged),
	    "first_time", output_json_time(l->first_time),
	    "last_time", output_json_time(l->last_time),
	    "chain", hex(chain, l->chain, LOG_CHAIN_LEN),
	    "known_cell", l->known_at == LOGCHECK_LATER ? json_null() :
		output_json_number(l->known_at),
	    "torn", output_json_number(l->torn),
	    "unfinished", (int)l->unfinished,
	    "problem", json_problem(l));
	return output_json(j, stdout);
}

static int
verify(struct cmd *cmd, struct logcheck *l, const char *dir, bool json)
{
	enum cofre_status s;
	struct problem p;
	bool printed = true;

	s = logcheck_run(l, dir, &p);
	if (s == COFRE_ARGUMENT)
		return cmd_problem(cmd, s, &p);
	if (json)
		printed = print_json(l, s == COFRE_OK);
	else
		print_text(l, s == COFRE_OK);
	if (s != COFRE_OK)
		return cmd_error(cmd, s, "%s: cell %" PRIu64 ": %s", l->file,
		    l->cell, l->reason);
	return cmd_printed(cmd, printed);
}

int
cmd_activity_verify(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const char *since = NULL, *known = NULL;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json,
		    "print one JSON object" },
		{ "known", 0, OPTION_TEXT, "CHAIN", &known,
		    "fail unless a record has this chain value" },
		{ "since-segment", 0, OPTION_TEXT, "FILE", &since,
		    "begin with this segment file" },
	};
	const struct option_usage usage = {
		"activity verify [option ...] DIR",
		"Check the activity log's files, without the daemon and "
		"without a key.  DIR\nis the state directory, or the "
		"directory \"activity\" in it, or a copy.\n",
		rows, sizeof(rows) / sizeof(rows[0]), 1, 1,
	};
	uint8_t chain[LOG_CHAIN_LEN];
	struct logcheck l = { .since = NULL };
	int code = cmd_parse(cmd, &usage, argc, argv);

	if (code != CMD_GO)
		return code;
	if (known != NULL && !unhex(chain, known))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--known takes a chain value: 64 hex digits");
	if (!crypto_init())
		return cmd_error(cmd, COFRE_INTERNAL,
		    "the crypto library can't be used");
	l.since = since;
	l.known = known == NULL ? NULL : chain;
	return verify(cmd, &l, cmd->args[0], json);
}
