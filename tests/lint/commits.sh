#!/bin/sh
# The subject of each commit is "module: lower-case imperative", has at most
# 60 characters and no period at its end.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

git() {
	command git -c safe.directory="$PWD" "$@"
}

command -v git >/dev/null || skip "git is not installed"
top=$(git rev-parse --show-toplevel 2>/dev/null || true)
[ "$top" = "$(pwd -P)" ] ||
	finish "no commits: this is no git checkout"
git log --no-merges --format='%h %s' >"$tmp/log" 2>/dev/null || true
awk '
{
	hash = $1
	subject = substr($0, length(hash) + 2)
	verb = subject
	sub(/^[^:]*: */, "", verb)
	sub(/ .*/, "", verb)
	if (length(subject) > 60)
		print hash ":1: over 60 characters: " subject
	if (subject !~ /^[a-z0-9][a-z0-9_,.\/ -]*: [a-z0-9]/)
		print hash ":1: not \"module: lower-case\": " subject
	if (subject ~ /[.]$/)
		print hash ":1: ends with a period: " subject
	if (verb ~ /^(add|fix|remove|change|update|use|make|move)(e?s|e?d|ing)$/)
		print hash ":1: not an imperative: " subject
}' "$tmp/log" | bad_lines
finish "$(wc -l <"$tmp/log") commit subjects"
