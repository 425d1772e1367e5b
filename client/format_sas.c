#include "format_impl.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define TOKEN "SharedAccessSignature"
#define SIG_LEN 32 /* HMAC-SHA256 */

/*
 * What may stand unencoded in a parameter.  Not '+': services read it as a
 * blank, and a signature with one would be rejected.
 */
#define PLAIN "!$'()*,=:@/?"

/* All parameters of service, account and user delegation tokens but sig. */
static const char *const notes[] = {
	"sv", "ss", "srt", "sr", "sp", "st", "se", "spr", "sip", "si", "ses",
	"sdd", "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid",
	"scid", "tn", "spk", "srk", "epk", "erk", "rscc", "rscd", "rsce",
	"rscl", "rsct",
};

static const char *
find_note(struct view name)
{
	for (size_t i = 0; i < COUNT(notes); i++)
		if (view_is(name, notes[i]))
			return notes[i];
	return NULL;
}

bool
format_sas_is_note(const char *field)
{
	return find_note(view_of(field)) != NULL;
}

/* The signature stays in the token; only its form is looked at. */
static bool
check_sig(struct text_in *in, struct view value, bool *sig)
{
	if (*sig)
		return text_fail(in->fault, "sig", "given twice");
	*sig = true;
	if (!text_decode(in, "sig", value, PLAIN))
		return false;
	if (text_base64_len(text_scratch(in)) != SIG_LEN)
		return text_fail(in->fault, "sig",
		    "not the percent-encoded base64 of 32 bytes");
	return true;
}

static bool
parse_pair(struct text_in *in, struct view pair, bool *sig)
{
	size_t equals = text_index(pair, '=');
	struct view name = { pair.data, equals };
	const char *note = find_note(name);

	text_pair(in);
	if (equals == pair.len)
		return text_fail_pair(in, "a SAS parameter without '='");
	if (equals > 4 && memcmp(pair.data, "amp;", 4) == 0)
		return text_fail_pair(in,
		    "'&amp;' comes from XML; the separator is '&'");
	pair = text_from(pair, equals + 1);
	if (view_is(name, "sig"))
		return check_sig(in, pair, sig);
	if (note == NULL)
		return text_fail_pair(in, "not a parameter of a SAS token");
	return text_decode(in, note, pair, PLAIN) &&
	    text_field(in, note, text_scratch(in), text_check_filled);
}

/* What every token has, or leaves to a policy of the service. */
static bool
check_together(struct text_in *in, bool sig)
{
	if (!sig)
		return text_fail(in->fault, TOKEN, "sig is missing");
	if (!text_has(in, "sv"))
		return text_fail(in->fault, TOKEN, "sv is missing");
	if (text_has(in, "si"))
		return true;
	if (!text_has(in, "sp") || !text_has(in, "se"))
		return text_fail(in->fault, TOKEN,
		    "sp and se are missing, and there is no si");
	return true;
}

bool
format_sas_add(struct text_in *in, struct view token)
{
	struct text_in part = *in;
	bool sig = false;
	struct view pair;

	if (token.len > 0 && token.data[0] == '?')
		token = text_from(token, 1);
	if (!text_field(in, TOKEN, token, text_check_filled))
		return false;
	part.left = token;
	do {
		pair = text_until(&part, "&");
		if (!parse_pair(&part, pair, &sig))
			return false;
	} while (text_skip(&part, '&'));
	return check_together(in, sig);
}

bool
format_sas_parse(struct text_in *in)
{
	struct view token = in->left;

	in->left = text_from(token, token.len);
	return format_sas_add(in, token);
}

bool
format_sas_render(struct text_out *out)
{
	struct view v = text_value(out, TOKEN);

	if (v.data == NULL)
		return text_fail(out->fault, TOKEN, "missing");
	text_put_view(out, v);
	return true;
}
