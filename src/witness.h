/*
 * witness: the processes that look into /proc for the daemon.
 *
 * Landlock takes the daemon's right to look into other processes, and it
 * shall have none.  So workers, made before any key is in memory, have that
 * right and nothing else: no key, no store, no client.  Each answers one
 * question after the other, over a socket that only the daemon has.  What a
 * user's file system would have to be asked for is taken as not known; but a
 * process can stand still in the kernel so that whoever looks at it waits.
 * The daemon waits for no worker: it has one that is late ended, and made
 * anew, by the keeper, which has made them, and answers no question.
 */
#ifndef COFRE_WITNESS_H
#define COFRE_WITNESS_H

#include <sys/types.h>

#include "facts.h"

/* What a question may have: its id, a process's, whether its program is to be
   hashed, and a cgroup. */
#define WITNESS_QUESTION (17u + CGROUP_MAX)
/* What an answer may have, all its texts included. */
#define WITNESS_ANSWER (44u + SHA256_LEN + EXE_MAX + CGROUP_MAX)

struct witness_answer {
	uint64_t id; /* of the question; 0: the worker is ready */
	bool watched; /* a descriptor came with it */
	bool late; /* never from a worker: it was given up (attest.h) */
	struct facts facts;
};

#define WITNESS_WORKERS 4u

/* Sockets, to be read when they can be. */
struct witness {
	int keeper; /* says nothing: when it can be read, it has ended */
	int worker[WITNESS_WORKERS];
};

/*
 * Fork the keeper, with these ids, and wait until its workers are ready.
 * False with the reason in error.  *can_look says whether they may look into
 * processes of other users.  The caller has no secret in memory yet.
 */
bool witness_start(struct witness *w, uid_t uid, gid_t gid, bool required,
    bool *can_look, char *error, size_t error_size);

/*
 * Have a worker killed, and another one made in its place, at the same
 * socket.  It tells when it is ready.  It may be never, when too many do not
 * end.  False when the keeper takes no more.
 */
bool witness_renew(const struct witness *w, unsigned worker);

/*
 * Ask a worker about the process, and for the SHA-256 of its program with
 * hash, or about a cgroup unless that is empty, without waiting.  The id is
 * not 0.  False when the socket takes no more now.
 */
bool witness_ask(int fd, uint64_t id, uint32_t pid, bool hash,
    const char *cgroup);

/*
 * The keeper: fork the workers at the sockets, renew them as the daemon says
 * on the first one, and end them when that is closed.
 */
void witness_keep(const struct witness *ends, bool required);

/* A worker: answer questions until the socket is closed. */
void witness_serve(int fd);

enum witness_result {
	WITNESS_NONE,	/* no answer is there now */
	WITNESS_ANSWERED,
	WITNESS_GONE,	/* all have ended, or it says nonsense */
};

/*
 * Take an answer, without waiting.  *watch_fd is the caller's then, or -1:
 * also when one should have come, and there was no descriptor free.
 */
enum witness_result witness_take(int fd, struct witness_answer *answer,
    int *watch_fd);

/*
 * True as long as the process has the memory that it had when the descriptor
 * was made: false once it has ended, or executed another program.  A process
 * that another one shares its memory with (CLONE_VM) looks the same for as
 * long as that other one lives.
 */
bool witness_same(int watch_fd);

/*
 * What the witness does for each question, and all that it does.  Facts that
 * are not of one and the same program, from beginning to end, are none.  The
 * descriptor for witness_same(), or -1.
 */
int witness_look(uint32_t pid, bool hash, struct facts *f);

/*
 * The same for a cgroup: its path, and whose directory it is.  The descriptor
 * is of its cgroup.events, which tells when it becomes empty.
 */
int witness_look_cgroup(const char *cgroup, struct facts *f);

/*
 * The SHA-256 of the program that a process executes.  It is read only from a
 * file system of this machine, which waits for nobody's program, and up to
 * WITNESS_HASH_MAX bytes; known for the next time as long as inode, size and
 * both times of the file are the same.
 */
#define WITNESS_HASH_MAX (64u << 20)
bool witness_hash(uint32_t pid, uint8_t sha256[SHA256_LEN]);

#endif
