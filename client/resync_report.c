#include "resync_report.h"

#include "granttext.h"
#include "names.h"

#define EXIT_PARTIAL 3
#define EXIT_NOTHING 4

struct listing *
resync_listing(bool json, bool workspaces)
{
	static const struct listing_column columns[] = {
		{ "WORKSPACE", "workspace" }, { "ITEM", "item" },
		{ "KIND", "kind" }, { "SOURCE", "source" },
		{ "OUTCOME", "outcome" }, { "WAS", "was" },
		{ "VERSION", "version" }, { "NOTE", "note" } };

	return listing_new(json, columns + (workspaces ? 0 : 1),
	    workspaces ? 8 : 7);
}

/* A grant's row; what is said of it is the same for people and programs. */
static void
list_grant(struct listing *l, bool workspaces, const struct resync *r,
    const struct who_item *m, const char *outcome)
{
	char scope[GRANTTEXT_MAX], item[GRANTTEXT_MAX + ROLE_NAME_MAX + 8];

	(void)snprintf(item, sizeof(item), "%.*s in %s", (int)m->role.len,
	    m->role.len == 0 ? "" : (const char *)m->role.data,
	    granttext_scope(m->scope, m->prefix, scope));
	if (workspaces)
		listing_text(l, r->workspace);
	listing_text(l, item);
	listing_text(l, "grant");
	listing_text(l, "");
	listing_text(l, outcome);
	for (unsigned i = 0; i < 3; i++)
		listing_text(l, "");
}

/* Those of a list that are not in the other one. */
static bool
list_grants(struct listing *l, bool workspaces, const struct resync *r,
    struct list items, struct list but, const char *outcome, size_t *count)
{
	struct wire_reader reader = list_reader(items);
	struct who_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		who_item_get(&reader, &m);
		if (reader.bad)
			return false;
		if (granttext_is_in(but, &m))
			continue;
		list_grant(l, workspaces, r, &m, outcome);
		(*count)++;
	}
	return wire_reader_done(&reader);
}

static void
list_key(struct listing *l, bool workspaces, bool dry_run,
    const struct resync *r, const struct resync_key *k)
{
	if (workspaces)
		listing_text(l, r->workspace);
	listing_text(l, k->name);
	listing_text(l, kind_name(k->item.kind));
	listing_text(l, k->source);
	listing_text(l, resync_fate_text(k->fate, dry_run));
	listing_number(l, k->item.version);
	listing_number(l, k->version);
	listing_note(l, view_of(k->note));
}

static bool
is_good(enum resync_fate fate)
{
	return fate != FATE_FAILED && fate != FATE_SKIPPED &&
	    fate != FATE_NONE;
}

bool
resync_list(struct listing *l, bool workspaces, bool dry_run,
    const struct resync *r, struct resync_sums *sums)
{
	static const struct list none = { .count = 0 };
	const struct resync_grants *g = &r->grants;
	size_t others = 0, failed = sums->failed;

	if (!list_grants(l, workspaces, r, g->canonical, g->restored,
		"unchanged", &others) ||
	    !list_grants(l, workspaces, r, g->restored, none,
		dry_run ? "would-be-repaired" : "repaired", &sums->good) ||
	    !list_grants(l, workspaces, r, g->extra, none, "extra", &others))
		return false;
	for (size_t i = 0; i < r->keys.count; i++) {
		const struct resync_key *k = &r->keys.at[i];

		list_key(l, workspaces, dry_run, r, k);
		if (is_good(k->fate))
			sums->good++;
		else
			sums->failed++;
	}
	/* Of several, one with which all is well is not nothing. */
	if (workspaces && sums->failed == failed)
		sums->good++;
	return true;
}

int
resync_exit_code(const struct resync_sums *sums)
{
	if (sums->failed == 0)
		return 0;
	return sums->good > 0 ? EXIT_PARTIAL : EXIT_NOTHING;
}
