#!/bin/sh
# doc/FORMAT.md says what the code says: every row with its fields, every
# table, derived key, type and flag of the log, and constant.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

doc=doc/FORMAT.md
constants include/cofre.h src/common/sizes.h >"$limits"

compare_messages src/rows.def $doc

# enums FILE NAME PREFIX: "| 1 | `system` |" for each row of an enum.
enums() {
	awk -v name="$2" -v prefix="$3" -v file="$1" '
	$0 ~ "^enum " name " [{]" { on = 1 }
	on && match($0, prefix "_[A-Z_]+ = [0-9]+") {
		word = substr($0, RSTART + length(prefix) + 1,
		    RLENGTH - length(prefix) - 1)
		split(tolower(word), f, " = ")
		print file ":" FNR "\t| " f[2] " | `" f[1] "` |"
	}
	on && /};/ { on = 0 }' "$1"
}

subkeys() {
	awk -v file=src/keyring.c '
	match($0, /crypto_subkey[(]keys->[a-z_]+, keys->root, [0-9]+, context/) {
		word = substr($0, RSTART, RLENGTH)
		gsub(/crypto_subkey[(]keys->|keys->root|context|,/, "", word)
		split(word, f, " +")
		print file ":" FNR "\t| " f[2] " | `" f[1] "` |"
	}' src/keyring.c
}

# numbers FILE NAME...: "| `LOG_CELL` | 128 |" for each constant.
numbers() {
	file=$1
	shift
	for name in "$@"; do
		constants "$file" | awk -v name="$name" '$1 == name {
			print $4 ":" $3 "\t| `" $1 "` | " $2 " |"
			found = 1
		}
		END {
			if (!found)
				print "0:0\t" name " is gone"
		}'
	done
}

{
	enums src/rows.h table TABLE
	enums src/common/logfmt.h log_type LOG
	enums src/common/logfmt.h log_flag LOG
	subkeys
	numbers src/common/keyfile.h KEYFILE_MIN KEYFILE_MAX
	numbers src/common/logfmt.h LOG_CELL LOG_BODY LOG_CELLS_MAX \
		LOG_CHAIN_LEN LOG_TAG_LEN LOG_VERSION LOG_MARK
} >"$tmp/rows"
expect $doc <"$tmp/rows"

# Numbers that stand in the text.
grep -q '^#define ROWS_FORMAT 5u$' src/rows.h ||
	bad src/rows.h 1 "ROWS_FORMAT is not 5 any more, $doc says so"
grep -q '^#define ROWS_MAGIC "cofre vault"$' src/rows.h ||
	bad src/rows.h 1 "ROWS_MAGIC is not \"cofre vault\", $doc says so"
grep -q '^#define AUDIT_MARK_STEP 256u$' src/audit.h ||
	bad src/audit.h 1 "AUDIT_MARK_STEP is not 256, $doc says so"
[ "$(subkeys | wc -l)" -eq "$(grep -c 'crypto_subkey(' src/keyring.c)" ] ||
	bad src/keyring.c 1 "a derived key is not in the form of the others"

finish "$(wc -l <"$tmp/wanted") rows and $(wc -l <"$tmp/rows") codes in $doc"
