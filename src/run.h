/*
 * run: one run: somebody who may read some secrets of a workspace, and
 * nothing else, until it is over.  What it is, and its row.  Pure.
 */
#ifndef COFRE_RUN_H
#define COFRE_RUN_H

#include "policy.h"
#include "rows.h"

#define RUN_HEX (2 * RUN_ID_LEN + 1) /* an id as text, with its NUL */

struct run {
	uint8_t id[RUN_ID_LEN];
	uint64_t number; /* in its row's key */
	uint8_t target;	 /* enum run_target */
	uint32_t pid;	 /* of a process */
	uint64_t start;	 /* field 22 of its /proc/PID/stat */
	uint64_t inode;	 /* of its pidfds, or of its cgroup.events; 0: not
			    known */
	char cgroup[CGROUP_MAX + 1];
	uint32_t uid; /* whose connections are its own; NO_ID: anybody's */
	uint8_t boot[BOOT_ID_LEN];
	bool has_token;
	uint8_t hash[CRYPTO_HASH_LEN]; /* of its token */
	char label[RUN_LABEL_MAX + 1];
	uint8_t snapshot[SNAPSHOT_MAX];
	size_t snapshot_len;
	uint64_t created;
	uint64_t real_deadline; /* microseconds of CLOCK_REALTIME, */
	uint64_t boot_deadline; /* and of CLOCK_BOOTTIME */
	uint32_t by;
	uint64_t read_end; /* its row has what it read before that cell */
	struct run_rights rights; /* over is its state */

	/* Of this process of the daemon alone. */
	int watch_fd;	     /* a pidfd, or cgroup.events; -1: it is not
				watched */
	uint64_t watch_id;   /* by which epoll knows it */
	bool gone;	     /* nobody is it any more: it can be forgotten */
	enum run_end ended;  /* why it is over, */
	uint64_t ended_at;   /* and since when; 0: not known */
	bool untold;	     /* that is still to be recorded: */
	bool told;	     /* but for the end itself */
	size_t noted;	     /* secrets whose reads are */
	bool reading;	     /* it has read something in this turn */
	bool unsaved;	     /* the log has reads, or its end, that its row
				has not */
	bool fresh;	     /* made in this turn */
	struct run *next;    /* of those that are aside (runs.h) */
	bool bare;	     /* its workspace is purged, */
	bool baring;	     /* and that in this turn */
	struct {
		bool set;
		bool over;
		uint64_t real_deadline, boot_deadline;
	} before; /* as it was last committed */

	struct run_secret secrets[]; /* rights.count */
};

/* One with room for so many secrets, and nothing in it; NULL without
   memory. */
struct run *run_new(size_t secrets);

/* Close what it watches, wipe it and free it; NULL is allowed. */
void run_free(struct run *r);

/* Say which secrets it has and what it is, to policy: after its id, its
   workspace and its secrets were set. */
void run_set_rights(struct run *r, uint64_t workspace, size_t secrets);

/* Write its row; when it is bare, without what it had. */
void run_put(struct wire_writer *w, const struct run *r);

/* The run of a row, or NULL: CORRUPT, or LIMIT without memory. */
struct run *run_get(uint64_t workspace, uint64_t number, struct view plain,
    enum cofre_status *st);

/* The secret with that name, or NULL. */
struct run_secret *run_find_secret(struct run *r, struct view name);

/* It has read that version of the secret, which followed that version of
   another record (0: of none); in this turn. */
void run_count(struct run *r, struct run_secret *s, uint32_t version,
    uint64_t followed_record, uint32_t followed);

/* What it has read in this turn is in the log; or it has not read it. */
void run_logged(struct run *r);
void run_unread(struct run *r);

/* How often it has read, all in all, and how many different secrets. */
uint32_t run_reads(const struct run *r);
size_t run_read_secrets(const struct run *r);

/* Its id as 32 hexadecimal digits, and a reason as a part of a sentence. */
const char *run_hex(const struct run *r, char hex[RUN_HEX]);
const char *run_end_text(enum run_end why);

#endif
