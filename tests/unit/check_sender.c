/*
 * Tests of src/sender.c: whose the bytes are that a connection brings.
 * tests/system/15-a-socket-is-its-makers-alone.py has other users.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sender.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int ours, theirs;
static struct peer peer;

static void
setup(void)
{
	const int on = 1;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	ck_assert_int_eq(setsockopt(ours, SOL_SOCKET, SO_PASSCRED, &on,
			     sizeof(on)), 0);
	ck_assert(peer_read(ours, &peer));
}

static void
teardown(void)
{
	peer_free(&peer);
	(void)close(ours);
	(void)close(theirs);
}

static void
wait_for(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(what_the_peer_sends_is_its_own)
{
	struct sender who;
	char buf[8];

	ck_assert_int_eq(send(theirs, "abc", 3, 0), 3);
	ck_assert_int_eq(sender_receive(ours, buf, sizeof(buf), &who), 3);
	ck_assert_mem_eq(buf, "abc", 3);
	ck_assert(who.known);
	ck_assert_uint_eq(who.pid, (uint32_t)getpid());
	ck_assert(sender_is_peer(&who, &peer));
}
END_TEST

START_TEST(nothing_there_is_no_sender)
{
	struct sender who;
	char c;

	ck_assert_int_eq(sender_receive(ours, &c, 1, &who), -1);
	ck_assert(!who.known);
	ck_assert(!sender_is_peer(&who, &peer));
	(void)shutdown(theirs, SHUT_WR);
	ck_assert_int_eq(sender_receive(ours, &c, 1, &who), 0);
	ck_assert(!sender_is_peer(&who, &peer));
}
END_TEST

/* One call never gives bytes of two processes. */
START_TEST(bytes_of_two_processes_come_apart)
{
	struct sender who;
	char buf[8];
	pid_t child;

	ck_assert_int_eq(send(theirs, "ab", 2, 0), 2);
	if ((child = fork()) == 0)
		_exit(send(theirs, "cd", 2, 0) == 2 ? 0 : 1);
	wait_for(child);
	ck_assert_int_eq(send(theirs, "ef", 2, 0), 2);
	ck_assert_int_eq(sender_receive(ours, buf, sizeof(buf), &who), 2);
	ck_assert(sender_is_peer(&who, &peer));
	ck_assert_int_eq(sender_receive(ours, buf, sizeof(buf), &who), 2);
	ck_assert_mem_eq(buf, "cd", 2);
	ck_assert_uint_eq(who.pid, (uint32_t)child);
	ck_assert(!sender_is_peer(&who, &peer));
	ck_assert_int_eq(sender_receive(ours, buf, sizeof(buf), &who), 2);
	ck_assert_mem_eq(buf, "ef", 2);
	ck_assert(sender_is_peer(&who, &peer));
}
END_TEST

START_TEST(each_id_counts)
{
	struct sender same = { true, peer.uid, peer.gid, peer.pid };
	struct sender other[] = { same, same, same, same };

	ck_assert(sender_is_peer(&same, &peer));
	other[0].known = false;
	other[1].uid++;
	other[2].gid++;
	other[3].pid++;
	for (size_t i = 0; i < COUNT(other); i++)
		ck_assert_msg(!sender_is_peer(&other[i], &peer), "%zu", i);
}
END_TEST

/* A pipe stands for the pidfd: both are readable once it is over. */
START_TEST(a_peer_lives_until_it_has_ended)
{
	struct peer gone = peer;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	gone.pidfd = ends[0];
	ck_assert(peer_lives(&gone));
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert(!peer_lives(&gone));
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

/* Room for the credentials alone: a descriptor stays outside. */
START_TEST(no_descriptor_is_received)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	int before = dup(0), after;
	struct sender who;

	memset(&control, 0, sizeof(control));
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &before, sizeof(before));
	(void)close(dup(0));
	ck_assert_int_eq(sendmsg(theirs, &msg, 0), 1);
	ck_assert_int_eq(sender_receive(ours, &c, 1, &who), 1);
	ck_assert(sender_is_peer(&who, &peer));
	after = dup(0);
	ck_assert_int_eq(after, before + 1);
	(void)close(after);
	(void)close(before);
}
END_TEST

static Suite *
sender_suite(void)
{
	Suite *s = suite_create("sender");
	TCase *t = tcase_create("sender");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_the_peer_sends_is_its_own);
	tcase_add_test(t, nothing_there_is_no_sender);
	tcase_add_test(t, bytes_of_two_processes_come_apart);
	tcase_add_test(t, each_id_counts);
	tcase_add_test(t, a_peer_lives_until_it_has_ended);
	tcase_add_test(t, no_descriptor_is_received);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(sender_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
