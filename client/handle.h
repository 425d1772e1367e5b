/*
 * handle: the inside of a cofre handle, for the library alone.  cofre_open(),
 * cofre_close() and cofre_error() are in handle.c; the calls on the open
 * connection are in call.c.
 */
#ifndef COFRE_HANDLE_H
#define COFRE_HANDLE_H

#include <sys/types.h>
#include <sys/un.h>

#include "cofre.h"
#include "proto.h"
#include "secmem.h"

/* The hello goes out before a request that may fill a whole frame. */
#define HANDLE_HELLO_MAX (FRAME_HEADER + 3 * 4 + CLIENT_NAME_MAX)
#define HANDLE_OUT_SIZE (HANDLE_HELLO_MAX + FRAME_MAX)
#define HANDLE_IN_SIZE FRAME_MAX

struct watching;

struct cofre {
	int fd;	      /* -1 when there is no connection, or no more */
	int epoll;    /* that fd is in, or -1; whoever has made it closes it */
	bool greeted; /* the daemon has answered the hello */
	bool cut;     /* the daemon went away while the request was sent */
	uint32_t id;  /* the request's; the hello before it has id - 1 */
	enum op_code op;
	size_t frame; /* where the request begins in out */
	struct wire_writer out;
	uint8_t *in;
	size_t in_len; /* bytes that are there */
	size_t in_max; /* bytes that were there, to be wiped */
	unsigned timeout_ms;
	int64_t deadline; /* of the call, as handle_now() */
	uid_t uid;	  /* as whom the daemon knows this process */
	pid_t pid;	  /* whose the buffers and the connection are */
	bool explicit_ids; /* its effective ids are not its real ones */
	struct secmem mem;
	char *token; /* RUN_TOKEN_MAX + 1, in mem: of the run that it has
			attached to, or empty */
	struct watching *watching; /* what was fetched, or NULL */
	struct sockaddr_un addr;
	char client[CLIENT_NAME_MAX + 1];
	const char *verb;  /* what it is all for, or NULL */
	const char *retry; /* what to do when the connection is lost */
	char what[OBJECT_MAX + 64]; /* "get ml-prod/store" */
	char error[768];
};

/* CLOCK_MONOTONIC, in milliseconds. */
int64_t handle_now(void);

/*
 * A child of the process that has connected has neither its memory (which is
 * not inherited) nor its identity: give the handle buffers and a connection
 * of its own, if there was one.  Nothing happens in the process that has
 * connected.  When it can't be done the handle has no connection.
 */
void handle_own(cofre *c);

/*
 * Close a connection that can't be used any more; the handle stays.  It is
 * taken out of c->epoll first, which would go on to tell of it for as long as
 * a child has a copy.
 */
void handle_give_up(cofre *c);

/* Is there a connection, and not given up?  NULL has none. */
bool handle_is_connected(const cofre *c);

#endif
