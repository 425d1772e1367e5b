#include "cofre.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "call.h"
#include "names.h"
#include "secret.h"
#include "watching.h"

/* What a hostile daemon can make a list grow to. */
#define ENTRIES_MAX (1u << 20)
#define PAGES_MAX 65536u

/*
 * Get.
 */

/* Take the fields of a reply; false when they are not what they must be. */
static enum cofre_status
take_fields(cofre_secret *s, struct list fields, const char *only)
{
	struct wire_reader r = list_reader(fields);
	struct field_item f;
	enum cofre_status status;

	if (only != NULL && fields.count > 1)
		return COFRE_BAD_REPLY;
	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &f);
		if (r.bad || (f.flags & ~(unsigned)FIELD_SECRET) != 0 ||
		    (only != NULL && !view_is(f.name, only)))
			return COFRE_BAD_REPLY;
		status = secret_add(s, f.name, f.flags == FIELD_SECRET,
		    f.value);
		if (status == COFRE_NO_MEMORY)
			return status;
		if (status != COFRE_OK)
			return COFRE_BAD_REPLY;
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_BAD_REPLY;
}

static enum cofre_status
take_secret(const struct secret_get_request *q, struct view body,
    cofre_secret **ret)
{
	const char *field = q->field.len == 0 ? NULL :
	    (const char *)q->field.data;
	struct secret_get_reply m;
	cofre_secret *secret = NULL;
	enum cofre_status s;

	if (!secret_get_reply_decode(body, &m) ||
	    (q->version != 0 && m.version != q->version))
		return COFRE_BAD_REPLY;
	if (field != NULL && m.fields.count == 0)
		return m.fields.items.len == 0 ? COFRE_NO_FIELD :
						 COFRE_BAD_REPLY;
	s = secret_make(&secret, m.kind, m.type, m.fields.items.len);
	if (s != COFRE_OK)
		return s == COFRE_ARGUMENT ? COFRE_BAD_REPLY : s;
	s = take_fields(secret, m.fields, field);
	if (s != COFRE_OK) {
		cofre_secret_free(secret);
		return s;
	}
	secret_describe(secret, m.version, m.followed, m.created, m.expires);
	*ret = secret;
	return COFRE_OK;
}

/* The text of what take_secret() found. */
static enum cofre_status
get_failed(cofre *c, enum cofre_status s, const char *object,
    const char *field)
{
	if (s == COFRE_BAD_REPLY)
		return call_bad_reply(c);
	if (s == COFRE_NO_FIELD)
		return call_fail(c, s,
		    "get %s: the secret has no field '%s'; 'cofre show %s' "
		    "lists the fields", object, field, object);
	return call_fail(c, s, "get %s: %s", object, cofre_status_text(s));
}

enum cofre_status
cofre_get(cofre *c, const char *workspace, const char *name,
    uint32_t version, const char *field, cofre_secret **ret)
{
	struct secret_get_request q = { .version = version };
	struct api_object object;
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (name == NULL || ret == NULL)
		return api_missing(c, "get", name == NULL ? "name" : "ret");
	s = api_check_names(c, "get", workspace, name, &object);
	if (s != COFRE_OK)
		return s;
	if (field != NULL && !name_is_field(view_of(field)))
		return call_fail(c, COFRE_ARGUMENT,
		    "get %s: the field's name is not valid", object.text);
	q.workspace = view_of(workspace);
	q.name = view_of(name);
	if (field != NULL)
		q.field = view_of(field);
	secret_get_request_put(call_begin(c, OP_SECRET_GET), &q);
	s = call_run(c, "get", object.text, &body);
	if (s == COFRE_DENIED || s == COFRE_NOT_FOUND)
		watching_forget(c, workspace, name);
	if (s != COFRE_OK)
		return s;
	s = take_secret(&q, body, ret);
	if (s == COFRE_OK)
		watching_note(c, workspace, name, cofre_secret_version(*ret),
		    cofre_secret_followed(*ret));
	call_done(c);
	return s == COFRE_OK ? s : get_failed(c, s, object.text, field);
}

/*
 * Put.
 */

static void
put_fields(struct wire_writer *w, const cofre_secret *secret)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; i < cofre_secret_count(secret); i++) {
		const char *name = cofre_secret_field_name(secret, i);
		struct field_item f = { .name = view_of(name) };

		f.value.data = (const uint8_t *)cofre_secret_field(secret,
		    name, &f.value.len);
		if (cofre_secret_field_is_secret(secret, i))
			f.flags = FIELD_SECRET;
		field_item_put(w, &f);
		list_item(&l);
	}
	list_end(&l);
}

static void
put_request(struct wire_writer *w, const struct secret_put_request *q,
    const cofre_secret *secret)
{
	secret_put_request_put(w, q);
	lists_take_back(w, 1);
	put_fields(w, secret);
}

enum cofre_status
cofre_put(cofre *c, const char *workspace, const char *name,
    const cofre_secret *secret, uint64_t expires, uint32_t if_version,
    uint32_t *version)
{
	struct secret_put_request q = { .expires = expires,
		.if_version = if_version };
	struct secret_put_reply m;
	struct api_object object;
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (name == NULL || secret == NULL)
		return api_missing(c, "put", name == NULL ? "name" : "secret");
	s = api_check_names(c, "put", workspace, name, &object);
	if (s != COFRE_OK)
		return s;
	q.workspace = view_of(workspace);
	q.name = view_of(name);
	q.kind = (uint8_t)cofre_secret_kind(secret);
	q.type = (uint8_t)cofre_secret_datastore(secret);
	q.follows = view_of(secret_follows(secret));
	put_request(call_begin(c, OP_SECRET_PUT), &q, secret);
	s = call_run(c, "put", object.text, &body);
	if (s == COFRE_OK && !secret_put_reply_decode(body, &m))
		s = call_bad_reply(c);
	if (s == COFRE_OK && version != NULL)
		*version = m.version;
	call_done(c);
	return s;
}

/*
 * Delete and list.
 */

enum cofre_status
cofre_delete(cofre *c, const char *workspace, const char *name)
{
	struct secret_delete_request q;
	struct secret_delete_reply m;
	struct api_object object;
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (name == NULL)
		return api_missing(c, "delete", "name");
	s = api_check_names(c, "delete", workspace, name, &object);
	if (s != COFRE_OK)
		return s;
	q.workspace = view_of(workspace);
	q.name = view_of(name);
	secret_delete_request_put(call_begin(c, OP_SECRET_DELETE), &q);
	s = call_run(c, "delete", object.text, &body);
	if (s == COFRE_OK && !secret_delete_reply_decode(body, &m))
		s = call_bad_reply(c);
	call_done(c);
	return s;
}

enum cofre_status
cofre_report_stale(cofre *c, const char *workspace, const char *name,
    uint32_t version)
{
	struct secret_stale_request q = { .version = version };
	struct secret_stale_reply m;
	struct api_object object;
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (name == NULL)
		return api_missing(c, "report-stale", "name");
	s = api_check_names(c, "report-stale", workspace, name, &object);
	if (s != COFRE_OK)
		return s;
	q.workspace = view_of(workspace);
	q.name = view_of(name);
	secret_stale_request_put(call_begin(c, OP_SECRET_STALE), &q);
	s = call_run(c, "report-stale", object.text, &body);
	if (s == COFRE_CONFLICT)
		(void)call_fail(c, s,
		    "report-stale %s: there is a newer version than %u: fetch "
		    "that one", object.text, version);
	if (s == COFRE_OK && !secret_stale_reply_decode(body, &m))
		s = call_bad_reply(c);
	call_done(c);
	return s;
}

struct entries {
	struct cofre_entry *at;
	size_t count;
};

static bool
take_entry(struct wire_reader *r, struct cofre_entry *e)
{
	struct secret_item item;

	secret_item_get(r, &item);
	if (r->bad || !name_is_secret(item.name) ||
	    kind_name(item.kind)[0] == '?' ||
	    datastore_name(item.type)[0] == '?' ||
	    (item.follows.len > 0 && !name_is_secret(item.follows)))
		return false;
	*e = (struct cofre_entry){
		.kind = (enum cofre_kind)item.kind,
		.datastore = (enum cofre_datastore)item.type,
		.version = item.version,
		.created = item.created,
		.updated = item.updated,
		.expires = item.expires,
	};
	memcpy(e->name, item.name.data, item.name.len);
	if (item.follows.len > 0)
		memcpy(e->follows, item.follows.data, item.follows.len);
	return true;
}

/* Append the entries of one page. */
static enum cofre_status
take_page(struct entries *all, struct list page)
{
	struct wire_reader r = list_reader(page);
	struct cofre_entry *p;

	if (page.count > ENTRIES_MAX - all->count)
		return COFRE_BAD_REPLY;
	if (page.count > 0) {
		p = reallocarray(all->at, all->count + page.count,
		    sizeof(*p));
		if (p == NULL)
			return COFRE_NO_MEMORY;
		all->at = p;
	}
	for (uint32_t i = 0; i < page.count; i++)
		if (!take_entry(&r, &all->at[all->count++]))
			return COFRE_BAD_REPLY;
	return wire_reader_done(&r) ? COFRE_OK : COFRE_BAD_REPLY;
}

/* Fetch the page that begins after *after, and move *after on. */
static enum cofre_status
list_page(cofre *c, const char *workspace, uint64_t *after,
    struct entries *all)
{
	struct secret_list_request q = { .workspace = view_of(workspace),
		.after = *after };
	struct secret_list_reply m;
	struct view body;
	enum cofre_status s;

	secret_list_request_put(call_begin(c, OP_SECRET_LIST), &q);
	s = call_run(c, "list", workspace, &body);
	if (s != COFRE_OK)
		return s;
	/* A list that goes backwards would never end. */
	if (!secret_list_reply_decode(body, &m) ||
	    (m.next != 0 && m.next <= *after))
		return call_bad_reply(c);
	s = take_page(all, m.items);
	if (s == COFRE_BAD_REPLY)
		return call_bad_reply(c);
	if (s != COFRE_OK)
		return call_fail(c, s, "list %s: %s", workspace,
		    cofre_status_text(s));
	*after = m.next;
	return COFRE_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct cofre_entry *x = a;
	const struct cofre_entry *y = b;

	return strcmp(x->name, y->name);
}

enum cofre_status
cofre_list(cofre *c, const char *workspace, struct cofre_entry **ret,
    size_t *count)
{
	struct entries all = { NULL, 0 };
	struct api_object object;
	uint64_t after = 0;
	unsigned pages = 0;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (ret == NULL || count == NULL)
		return api_missing(c, "list", ret == NULL ? "ret" : "count");
	s = api_check_names(c, "list", workspace, NULL, &object);
	if (s != COFRE_OK)
		return s;
	do {
		s = list_page(c, workspace, &after, &all);
		if (s == COFRE_OK && after != 0 && ++pages == PAGES_MAX)
			s = call_bad_reply(c);
	} while (s == COFRE_OK && after != 0);
	call_done(c);
	if (s != COFRE_OK) {
		free(all.at);
		return s;
	}
	if (all.count > 0)
		qsort(all.at, all.count, sizeof(*all.at), by_name);
	*ret = all.at;
	*count = all.count;
	return COFRE_OK;
}
