/* What runs have read: in the log, and then in their rows. */
#include "vault.h"

void
runs_logged(struct runs *rs, uint64_t log_end)
{
	for (size_t i = 0; rs->reading && i < rs->count; i++)
		if (rs->list[i]->reading)
			run_logged(rs->list[i]);
	rs->reading = false;
	rs->log_end = log_end;
}

void
runs_unread(struct runs *rs)
{
	for (size_t i = 0; rs->reading && i < rs->count; i++)
		if (rs->list[i]->reading)
			run_unread(rs->list[i]);
	rs->reading = false;
}

size_t
runs_unsaved(const struct runs *rs)
{
	size_t bytes = 0;

	for (size_t i = 0; i < rs->count; i++)
		if (rs->list[i]->unsaved)
			bytes += sizeof(struct run) +
			    rs->list[i]->rights.count *
				sizeof(struct run_secret);
	return bytes;
}

enum cofre_status
runs_save_reads(struct vault *v)
{
	enum cofre_status st = COFRE_OK;

	for (size_t i = 0; i < v->runs.count && st == COFRE_OK; i++)
		if (v->runs.list[i]->unsaved) {
			st = runs_save(v, v->runs.list[i]);
			if (st == COFRE_NOT_FOUND)
				st = COFRE_OK;
		}
	return st;
}

void
runs_saved(struct runs *rs)
{
	for (size_t i = 0; i < rs->count; i++)
		rs->list[i]->unsaved = false;
}
