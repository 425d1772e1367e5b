#include "authscript.h"

#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "ssh_text.h"

#define USER_MAX 63u
#define FILE_MAX 255u
#define BLOB_TEXT 128u /* of an ssh-ed25519 key, in base64 */

/*
 * key() is the key of a line, "" when it has none of type ssh-ed25519, and sets
 * comment to what stands behind it.  Behind options, in which a quoted text may
 * have blanks, comes the type.
 */
static const char before[] =
    "set -eu\n"
    "umask 077\n"
    "LC_ALL=C\n";

static const char script[] =
    "export LC_ALL wanted gone mine newest\n"
    "fail() { echo \"cofre: $*\" >&2; exit 1; }\n"
    "[ -d \"$home\" ] || fail \"$user has no home directory here\"\n"
    "[ \"$(id -u)\" = \"$(id -u \"$user\")\" ] ||\n"
    "	fail \"the script runs as $(id -un), not as $user\"\n"
    "case $file in\n"
    "/*) path=$file ;;\n"
    "*) path=$home/$file ;;\n"
    "esac\n"
    "dir=${path%/*}\n"
    "if [ \"$dir\" = \"$home/.ssh\" ]; then\n"
    "	[ -d \"$dir\" ] || mkdir \"$dir\"\n"
    "	chmod 700 \"$dir\"\n"
    "fi\n"
    "[ ! -h \"$path\" ] || fail \"$path is a symbolic link: name the file "
    "itself\"\n"
    "[ ! -e \"$path\" ] || [ -f \"$path\" ] || fail \"$path is no file\"\n"
    /* Nothing that may be there already is opened. */
    "lock=$path.cofre\n"
    "new=$lock/keys\n"
    "tries=0\n"
    "until mkdir \"$lock\" 2>/dev/null; do\n"
    "	[ -w \"$dir\" ] || fail \"$user can't write in $dir\"\n"
    "	tries=$((tries + 1))\n"
    "	[ \"$tries\" -lt 50 ] || fail \"$lock is there: another cofre is "
    "about it, or was killed; remove it then\"\n"
    "	sleep 0.1 2>/dev/null || sleep 1\n"
    "done\n"
    "trap 'rm -f \"$new\"; rmdir \"$lock\" || :' EXIT\n"
    "trap 'exit 1' HUP INT TERM\n"
    "old=$path\n"
    "[ -e \"$path\" ] || old=/dev/null\n"
    "awk '\n"
    "function key(line,    i, c, quoted, word) {\n"
    "	sub(/^[ \\t]+/, \"\", line)\n"
    "	if (line !~ /^ssh-ed25519[ \\t]/) {\n"
    "		quoted = 0\n"
    "		for (i = 1; i <= length(line); i++) {\n"
    "			c = substr(line, i, 1)\n"
    "			if (c == \"\\\\\" && substr(line, i + 1, 1) == "
    "\"\\\"\")\n"
    "				i++\n"
    "			else if (c == \"\\\"\")\n"
    "				quoted = !quoted\n"
    "			else if (!quoted && (c == \" \" || c == \"\\t\"))\n"
    "				break\n"
    "		}\n"
    "		line = substr(line, i)\n"
    "		sub(/^[ \\t]+/, \"\", line)\n"
    "	}\n"
    "	comment = \"\"\n"
    "	if (line !~ /^ssh-ed25519[ \\t]/)\n"
    "		return \"\"\n"
    "	split(line, word, /[ \\t\\r]+/)\n"
    "	if (match(line, /^ssh-ed25519[ \\t]+[^ \\t\\r]+[ \\t]+/))\n"
    "		comment = substr(line, RLENGTH + 1)\n"
    "	sub(/[ \\t\\r]+$/, \"\", comment)\n"
    "	return word[2]\n"
    "}\n"
    "function is_mine(    number) {\n"
    "	number = substr(comment, length(mine) + 1)\n"
    "	return mine != \"\" && index(comment, mine) == 1 &&\n"
    "	    number ~ /^[0-9]+$/ && number + 0 <= newest + 0\n"
    "}\n"
    "BEGIN {\n"
    "	n = split(ENVIRON[\"wanted\"], want, \"\\n\")\n"
    "	for (i = 1; i <= n; i++)\n"
    "		place[key(want[i])] = i\n"
    "	m = split(ENVIRON[\"gone\"], blob, \" \")\n"
    "	for (i = 1; i <= m; i++)\n"
    "		goes[blob[i]] = 1\n"
    "	mine = ENVIRON[\"mine\"]\n"
    "	newest = ENVIRON[\"newest\"]\n"
    "}\n"
    "{ k = /^[ \\t]*#/ ? \"\" : key($0) }\n"
    "k != \"\" && (k in place) {\n"
    "	if (!(k in there))\n"
    "		print want[place[k]]\n"
    "	there[k] = 1\n"
    "	next\n"
    "}\n"
    "k != \"\" && ((k in goes) || is_mine()) { next }\n"
    "{ print }\n"
    "END {\n"
    "	for (i = 1; i <= n; i++)\n"
    "		if (!(key(want[i]) in there))\n"
    "			print want[i]\n"
    "}' \"$old\" >\"$new\"\n"
    "if [ -e \"$path\" ] && [ \"$(cat \"$path\")\" = \"$(cat \"$new\")\" ]\n"
    "then\n"
    "	exit 62\n"
    "fi\n"
    "[ -e \"$path\" ] || [ -s \"$new\" ] || exit 62\n"
    "mv -f \"$new\" \"$path\" || exit 1\n"
    "exit 61\n";

_Static_assert(AUTHSCRIPT_CHANGED == 61 && AUTHSCRIPT_UNCHANGED == 62,
    "the script says so");

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_word(struct view v, const char *more)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_letter(v.data[i]) &&
		    (v.data[i] < '0' || v.data[i] > '9') &&
		    (v.data[i] == 0 || strchr(more, v.data[i]) == NULL))
			return false;
	return true;
}

bool
authscript_is_user(struct view v)
{
	return v.len > 0 && v.len <= USER_MAX &&
	    (is_letter(v.data[0]) || v.data[0] == '_') && is_word(v, "_.-");
}

bool
authscript_is_file(struct view v)
{
	return v.len > 0 && v.len <= FILE_MAX && is_word(v, "_.-/+@") &&
	    v.data[0] != '-' && v.data[v.len - 1] != '/' &&
	    memmem(v.data, v.len, "..", 2) == NULL;
}

/* Append a text; false when there is no room for it. */
static bool
append(char *to, size_t size, size_t *len, const char *text)
{
	size_t n = strlen(text);

	if (n >= size - *len)
		return false;
	memcpy(to + *len, text, n + 1);
	*len += n;
	return true;
}

/* wanted='LINE LINE' with newlines between. */
static bool
append_lines(char *to, size_t size, size_t *len, const struct authscript *a)
{
	if (!append(to, size, len, "wanted='"))
		return false;
	for (size_t i = 0; i < a->line_count; i++)
		if (!ssh_text_is_ascii(view_of(a->lines[i]), SSH_LINE_SIZE) ||
		    strchr(a->lines[i], '\'') != NULL ||
		    (i > 0 && !append(to, size, len, "\n")) ||
		    !append(to, size, len, a->lines[i]))
			return false;
	return append(to, size, len, "'\n");
}

static bool
append_gone(char *to, size_t size, size_t *len, const struct authscript *a)
{
	char text[BLOB_TEXT];

	if (!append(to, size, len, "gone='"))
		return false;
	for (size_t i = 0; i < a->gone_count; i++)
		if (!crypto_base64(text, sizeof(text), a->gone[i]) ||
		    !append(to, size, len, i > 0 ? " " : "") ||
		    !append(to, size, len, text))
			return false;
	return append(to, size, len, "'\n");
}

/* mine='cofre:WORKSPACE/NAME#' and newest=N */
static bool
append_comment(char *to, size_t size, size_t *len, const struct authscript *a)
{
	const char *text = a->comment == NULL ? "" : a->comment;
	char newest[32];

	(void)snprintf(newest, sizeof(newest), "'\nnewest=%u\n",
	    (unsigned)a->newest);
	return is_word(view_of(text), "_.-:/#") &&
	    append(to, size, len, "mine='") && append(to, size, len, text) &&
	    append(to, size, len, newest);
}

bool
authscript_make(char *text, size_t size, const struct authscript *a)
{
	char names[2 * USER_MAX + FILE_MAX + 64];
	size_t len = 0;

	if (!authscript_is_user(view_of(a->user)) ||
	    !authscript_is_file(view_of(a->file)))
		return false;
	(void)snprintf(names, sizeof(names), "user='%s'\nhome=~%s\nfile='%s'\n",
	    a->user, a->user, a->file);
	return append(text, size, &len, "cofre() {\n") &&
	    append(text, size, &len, before) &&
	    append(text, size, &len, names) &&
	    append_lines(text, size, &len, a) &&
	    append_gone(text, size, &len, a) &&
	    append_comment(text, size, &len, a) &&
	    append(text, size, &len, script) &&
	    append(text, size, &len, "}\ncofre\n");
}

bool
authscript_command(char *text, size_t size, const char *user, bool other)
{
	int n;

	if (!authscript_is_user(view_of(user)))
		return false;
	if (!other)
		n = snprintf(text, size, "/bin/sh -s");
	else
		n = snprintf(text, size, "/bin/sh -c 'if test \"$(id -u)\" = 0; "
		    "then exec runuser -u %s -- /bin/sh -s; else exec sudo -n "
		    "-u %s -- /bin/sh -s; fi'", user, user);
	return n >= 0 && (size_t)n < size;
}
