/* vault.report: what protection is in force, and how things stand. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ops.h"

struct report {
	struct wire_writer *w;
	struct wire_list list;
};

static void __attribute__((format(printf, 4, 5)))
line(struct report *r, const char *key, enum report_level level,
    const char *format, ...)
{
	char value[REPORT_TEXT_MAX];
	struct report_item item = { .key = view_of(key),
		.level = (uint8_t)level };
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(value, sizeof(value), format, ap);
	va_end(ap);
	item.value = view_of(value);
	report_item_put(r->w, &item);
	list_item(&r->list);
}

static const char *
state_text(enum vault_state state)
{
	switch (state) {
	case VAULT_EMPTY:
		return "uninitialized";
	case VAULT_LOCKED:
		return "locked";
	case VAULT_OPEN:
		return "unlocked";
	}
	return "?";
}

static enum report_level
good_if(bool good)
{
	return good ? REPORT_GOOD : REPORT_WARN;
}

/* The SSH store, and what was wrong with it at the last unlock. */
static void
report_ssh(struct report *r, const struct vault *v)
{
	const bool none = v->state == VAULT_OPEN && !v->ssh.open;
	const char *why = "";
	struct store_stat st;

	store_stat(v->ssh.store, &st);
	if (st.failed)
		why = "; a flush failed: read-only until a restart";
	else if (none)
		why = "; it could not be written: unlock again, with room on the "
		      "disk";
	else if (v->state == VAULT_LOCKED && v->unlock.of_ssh)
		why = v->unlock.status == COFRE_ROLLBACK ?
		    "; at unlock it was older than the vault, or gone" :
		    "; at unlock it was found changed or damaged";
	line(r, "ssh store", good_if(why[0] == '\0'),
	    "%" PRIu64 " rows, %" PRIu64 " of %" PRIu64 " KiB%s", st.rows,
	    st.used / 1024, st.limit / 1024, why);
}

static void
report_vault(struct report *r, struct server *sv)
{
	struct vault *v = &sv->vault;
	struct store_stat st;

	store_stat(v->store, &st);
	line(r, "version", REPORT_INFO, "%s", COFRE_VERSION);
	line(r, "vault", REPORT_INFO, "%s", state_text(v->state));
	if (v->state == VAULT_OPEN)
		line(r, "epoch", REPORT_INFO, "%" PRIu64, v->epoch);
	line(r, "uptime", REPORT_INFO, "%" PRIu64 " s",
	    (sv->clock - sv->started) / 1000000);
	line(r, "store", good_if(!st.failed),
	    "%" PRIu64 " rows, %" PRIu64 " of %" PRIu64 " KiB%s", st.rows,
	    st.used / 1024, st.limit / 1024,
	    st.failed ? "; a flush failed: read-only until a restart" : "");
	report_ssh(r, v);
	line(r, "connections", REPORT_INFO, "%zu of %u, %u for a uid",
	    sv->conn_count, sv->config.max_connections,
	    sv->config.max_per_uid);
}

static void
report_log(struct report *r, struct server *sv, bool room)
{
	const char *why = "";

	if (audit_broken(sv->audit))
		why = "; a flush failed: nothing is given out until a restart";
	else if (!room)
		why = ": can't be written, nothing is given out";
	line(r, "activity log", good_if(room), "%" PRIu64 " cells, %s%s",
	    audit_end(sv->audit),
	    sv->config.log_strict ? "strict" : "buffered", why);
	line(r, "flushed ahead", good_if(audit_goes_ahead(sv->audit)), "%s",
	    audit_goes_ahead(sv->audit) ? "yes" :
					  "no: the kernel does no "
					  "asynchronous I/O for cofred");
	if (sv->log_gap)
		line(r, "activity log gap", REPORT_WARN,
		    "at unlock the log was shorter than the store says");
	if (audit_open_note(sv->audit) != NULL)
		line(r, "activity log note", REPORT_WARN, "%s",
		    audit_open_note(sv->audit));
}

static void
report_protection(struct report *r, struct server *sv)
{
	const struct sandbox *sb = &sv->sandbox;
	enum secmem_kind keys = sv->vault.keyring.memory.kind;

	line(r, "keys in", good_if(keys == SECMEM_SECRET), "%s%s",
	    secmem_kind_name(keys),
	    keys == SECMEM_SECRET ? "" :
				    ": the kernel gives no memfd_secret "
				    "(boot with secretmem.enable=1)");
	line(r, "buffers in", good_if(sv->io.kind == SECMEM_LOCKED), "%s",
	    secmem_kind_name(sv->io.kind));
	line(r, "system call filter", good_if(sb->seccomp), "%s",
	    sb->seccomp ? "kill" : "none");
	line(r, "landlock", good_if(sb->landlock_abi >= 3), "ABI %d",
	    sb->landlock_abi);
	line(r, "capabilities", good_if(sb->no_caps), "%s",
	    sb->no_caps ? "none" : "some");
	line(r, "no_new_privs", good_if(sb->no_new_privs), "%s",
	    sb->no_new_privs ? "yes" : "no");
	line(r, "dumpable", good_if(sb->not_dumpable), "%s",
	    sb->not_dumpable ? "no" : "yes");
	line(r, "operators", REPORT_INFO,
	    sv->config.operator_group == NO_ID ? "uid 0" :
						 "uid 0 and gid %u",
	    sv->config.operator_group);
}

/* What tells callers from one another; the setting itself is a weaker one,
   also where nothing is missing today. */
static void
report_attestation(struct report *r, const struct server *sv)
{
	bool required = sv->config.attestation_required;

	line(r, "attestation", good_if(required), "%s",
	    required ? "required" :
		       "optional, by configuration: a caller that can't be "
		       "looked at has its rights all the same");
	line(r, "peer process", good_if(sv->has_pidfd), "%s",
	    sv->has_pidfd ?
		"pidfd (SO_PEERPIDFD)" :
		"pid only: the kernel has no SO_PEERPIDFD (Linux 6.5), so a "
		"later process with a caller's number can speak in its name");
	line(r, "run process", good_if(sv->has_inodes), "%s",
	    sv->has_inodes ?
		"number, start and inode (pidfs)" :
		"number and start: the kernel has no pidfs (Linux 6.9), so two "
		"processes of one number that begin within 10 ms look alike");
	line(r, "exec watch", good_if(sv->can_look), "%s",
	    sv->can_look ?
		"a program that a caller executes is told from it" :
		"no CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, so a program that "
		"a caller executes can speak in its name");
	line(r, "looks given up", REPORT_INFO, "%" PRIu64 " since the start",
	    sv->asked.late_all);
}

/* Secrets that were reported as refused upstream, as far as the caller may
   see their workspaces. */
static void
report_stale(struct report *r, struct request *q)
{
	struct vault *v = &q->sv->vault;
	char text[REPORT_TEXT_MAX + 1] = "none";
	uint32_t total = 0;
	size_t n = 0;

	if (v->state != VAULT_OPEN)
		return;
	for (size_t i = 1; i < v->scope_count; i++) {
		const struct workspace *ws = v->workspaces[i];
		uint32_t stale = catalog_count(v->catalog, (uint16_t)i).stale;

		if (ws == NULL || ws->state != WORKSPACE_LIVE || stale == 0 ||
		    !request_sees(q, ws, ACTION_WORKSPACE_READ))
			continue;
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%" PRIu32 " in %s", n > 0 ? ", " : "", stale,
			    ws->name);
		total += stale;
	}
	/* The end of a text that is too long does not cut a name. */
	if (n >= sizeof(text))
		(void)snprintf(text, sizeof(text),
		    "%" PRIu32 " in many workspaces", total);
	line(r, "stale secrets", good_if(total == 0), "%s", text);
}

enum cofre_status
op_report(struct request *q, const struct report_request *in)
{
	struct report r = { .w = q->reply };

	(void)in;
	list_begin(&r.list, q->reply);
	report_vault(&r, q->sv);
	report_stale(&r, q);
	report_log(&r, q->sv, q->recorded);
	report_protection(&r, q->sv);
	report_attestation(&r, q->sv);
	list_end(&r.list);
	return COFRE_OK;
}
