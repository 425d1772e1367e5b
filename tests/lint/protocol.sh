#!/bin/sh
# doc/PROTOCOL.md says what the tables in src/common say: every operation,
# status, message with its fields, kind, action, role and limit.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

doc=doc/PROTOCOL.md
common=src/common
constants include/cofre.h $common/sizes.h |
	grep -Ev '^COFRE_(ERROR_MAX|RUN_ID_SIZE|RUN_TOKEN_SIZE) ' \
		>"$limits" # the others are of the library alone

compare_messages $common/proto.def $doc

operations() {
	rows $common/ops.def OP | awk -F '\t' -v file=$common/ops.def '{
		row = $2
		sub(/^OP[(]/, "", row)
		sub(/[)]$/, "", row)
		split(row, f, ", *")
		flags = tolower(f[7])
		gsub(/opf_/, "", flags)
		gsub(/ [|] /, ", ", flags)
		if (flags == "0")
			flags = ""
		gsub(/"/, "`", f[4])
		print file ":" $1 "\t| " f[1] " | " f[4] " | " \
		    tolower(f[5]) " | " action(f[6]) " | " flags \
		    (flags == "" ? "|" : " |")
	}
	function action(id) {
		return id == "NONE" ? "none" : "`" names[id] "`"
	}
	BEGIN {
		while ((getline line <"'"$common"'/actions.def") > 0)
			if (split(line, g, /[(,)] */) > 3) {
				gsub(/"/, "", g[4])
				names[g[3]] = g[4]
			}
	}'
}

statuses() {
	rows $common/status.def STATUS | awk -F '\t' -v file=$common/status.def '{
		row = $2
		sub(/^STATUS[(]/, "", row)
		split(row, f, ", *")
		gsub(/"/, "`", f[3])
		if (f[1] < 64)
			print file ":" $1 "\t| " f[1] " | " f[3] " |"
	}'
}

# kinds MACRO: code and name; of a secret field the kind and the name.
kinds() {
	rows $common/kinds.def "$1" | awk -F '\t' -v file=$common/kinds.def '{
		row = $2
		sub(/^[A-Z_]+[(]/, "", row)
		sub(/[)]$/, "", row)
		n = split(row, f, ", *")
		gsub(/"/, "`", f[n == 2 ? 2 : 3])
		if (n == 2)
			print file ":" $1 "\t| `" tolower(f[1]) "` | " f[2] " |"
		else if (n == 3)
			print file ":" $1 "\t| " f[1] " | " f[3] " |"
		else
			print file ":" $1 "\t| " f[1] " | " f[3] " | " \
			    (f[4] == "1" ? "yes" : "no") " |"
	}'
}

# What each role and fixed principal may do, from policy_role.c's sets.
actions() {
	{
		sed 's/$/ /' src/policy_role.c | awk '
		/^#define [A-Z_]+_ACTIONS/ { name = $2; on = 1 }
		on {
			text = $0
			while (match(text, /(BIT[(][A-Z_]+[)])|([A-Z_]+_ACTIONS)/)) {
				word = substr(text, RSTART, RLENGTH)
				text = substr(text, RSTART + RLENGTH)
				if (word == name)
					continue
				gsub(/(BIT[(])|[)]/, "", word)
				print "set", name, word
			}
			on = $0 ~ /\\ $/
		}'
		rows $common/actions.def ACTION | tr '\t' ' '
	} | awk -v file=$common/actions.def '
	$1 == "set" { has[$2, $3] = 1; next }
	function may(set, id,   s) {
		if ((set, id) in has)
			return 1
		for (s in has) {
			split(s, part, SUBSEP)
			if (part[1] == set && part[2] ~ /_ACTIONS$/ &&
			    may(part[2], id))
				return 1
		}
		return 0
	}
	function cell(set, id) {
		return (may(set "_ACTIONS", id) ? "yes" : "-") " | "
	}
	{
		row = $0
		sub(/^[0-9]+ ACTION[(]/, "", row)
		sub(/[)]$/, "", row)
		split(row, f, ", *")
		if (f[1] == 0)
			next
		gsub(/"/, "`", f[3])
		text = "| " f[1] " | " f[3] " | " tolower(f[4]) " | " \
		    cell("READER", f[2]) cell("CONTRIBUTOR", f[2]) \
		    cell("OWNER", f[2]) cell("AGENT", f[2]) \
		    cell("SECRETS_OFFICER", f[2]) cell("OPERATOR", f[2])
		sub(/ $/, "", text)
		print file ":" $1 "\t" text
	}'
}

# enums NAME PREFIX: the rows of an enum of proto.h.
enums() {
	awk -v name="$1" -v prefix="$2" -v file=$common/proto.h '
	$0 ~ "^enum " name " [{]" { on = 1 }
	on {
		text = $0
		while (match(text, prefix "_[A-Z_]+ = [0-9]+")) {
			word = substr(text, RSTART, RLENGTH)
			text = substr(text, RSTART + RLENGTH)
			sub(prefix "_", "", word)
			split(tolower(word), f, " = ")
			print file ":" FNR "\t| " f[2] " | `" f[1] "` |"
		}
		if ($0 ~ /};/)
			on = 0
	}' $common/proto.h
}

limit_rows() {
	awk '{ print $4 ":" $3 "\t| `" $1 "` | " $2 " |" }' "$limits"
}

{
	operations
	statuses
	kinds KIND
	kinds DATASTORE
	kinds SECRET_FIELD
	actions
	enums vault_state VAULT
	enums principal_kind PRINCIPAL
	enums explain_outcome EXPLAIN
	enums verdict VERDICT
	enums slot_type SLOT
	enums secret_state SECRET
	enums report_level REPORT
	limit_rows
} >"$tmp/rows"
if [ "${1:-}" = print ]; then
	messages $common/proto.def
	cut -f 2 "$tmp/rows"
	exit 0
fi
expect $doc <"$tmp/rows"
finish "$(wc -l <"$tmp/wanted") messages and $(wc -l <"$tmp/rows") rows in $doc"
