/*
 * Any bytes as a source's answer, to each operation: no crash; what is
 * refused has a reason; what is taken is within the limits of the vault.
 */
#include <stdlib.h>

#include "names.h"
#include "source_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_fields(const struct source_answer *a)
{
	size_t total = 0;

	must(a->field_count >= 1 && a->field_count <= COFRE_FIELDS_MAX);
	must(a->slot <= 2 && a->serial <= INT64_MAX);
	for (size_t i = 0; i < a->field_count; i++) {
		must(name_is_field(a->fields[i].name));
		must(a->fields[i].value.len >= 1 &&
		    a->fields[i].value.len <= COFRE_VALUE_MAX);
		total += a->fields[i].name.len + a->fields[i].value.len;
	}
	must(total <= COFRE_SECRET_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int o = SOURCE_PULL; o <= SOURCE_REGENERATE; o++) {
		struct problem p = { "" };
		struct source_answer a;

		if (source_answer_parse((enum source_operation)o,
			(struct view){ data, size }, &a, &p) != COFRE_OK) {
			must(p.text[0] != '\0');
			continue;
		}
		must(size <= SOURCE_ANSWER_MAX);
		if (o != SOURCE_PROBE && !a.failed)
			check_fields(&a);
		else
			must(a.field_count == 0);
		source_answer_free(&a);
	}
	return 0;
}
