#include "granttext.h"

#include <inttypes.h>
#include <stdio.h>

char *
granttext_principal(uint8_t kind, uint32_t id, struct view who,
    char to[GRANTTEXT_MAX])
{
	const char *name = principal_name(kind);

	if (kind == PRINCIPAL_IDENTITY && who.len == 0)
		(void)snprintf(to, GRANTTEXT_MAX, "%s:#%" PRIu32, name, id);
	else if (kind == PRINCIPAL_IDENTITY || kind == PRINCIPAL_UNIT ||
	    (kind == PRINCIPAL_RUN && who.len > 0))
		(void)snprintf(to, GRANTTEXT_MAX, "%s:%.*s", name,
		    (int)who.len, (const char *)who.data);
	else if (kind == PRINCIPAL_USER || kind == PRINCIPAL_GROUP)
		(void)snprintf(to, GRANTTEXT_MAX, "%s:%u", name, id);
	else
		(void)snprintf(to, GRANTTEXT_MAX, "%s", name);
	return to;
}

char *
granttext_scope(struct view workspace, struct view prefix,
    char to[GRANTTEXT_MAX])
{
	if (workspace.len == 0)
		(void)snprintf(to, GRANTTEXT_MAX, "/");
	else if (prefix.len == 0)
		(void)snprintf(to, GRANTTEXT_MAX, "%.*s",
		    (int)workspace.len, (const char *)workspace.data);
	else
		(void)snprintf(to, GRANTTEXT_MAX, "%.*s/%.*s*",
		    (int)workspace.len, (const char *)workspace.data,
		    (int)prefix.len, (const char *)prefix.data);
	return to;
}

static bool
same(const struct who_item *a, const struct who_item *b)
{
	return view_equal(a->role, b->role) &&
	    view_equal(a->scope, b->scope) &&
	    view_equal(a->prefix, b->prefix);
}

bool
granttext_is_in(struct list items, const struct who_item *wanted)
{
	struct wire_reader r = list_reader(items);
	struct who_item m;

	for (uint32_t i = 0; i < items.count && !r.bad; i++) {
		who_item_get(&r, &m);
		if (!r.bad && same(&m, wanted))
			return true;
	}
	return false;
}
