#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* A line that is shown: as long as the longest WORKSPACE/NAME. */
#define ANSWER_MAX 255u

struct terminal {
	int fd;
	int signals; /* a signalfd for what is blocked meanwhile */
	sigset_t mask;	 /* the signals that are blocked */
	sigset_t before; /* what was blocked before */
	struct termios shown;
};

static void
say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static bool
hide(const struct terminal *t)
{
	struct termios hidden = t->shown;

	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	hidden.c_lflag |= ICANON | ISIG;
	return tcsetattr(t->fd, TCSAFLUSH, &hidden) == 0;
}

/* What was typed and not read goes too: it was meant for nobody else. */
static void
show(const struct terminal *t)
{
	(void)tcsetattr(t->fd, TCSAFLUSH, &t->shown);
}

static bool
terminal_start(struct terminal *t, int fd)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

	t->fd = fd;
	(void)sigemptyset(&t->mask);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		(void)sigaddset(&t->mask, all[i]);
	if (tcgetattr(fd, &t->shown) == -1)
		return false;
	(void)sigprocmask(SIG_BLOCK, &t->mask, &t->before);
	t->signals = signalfd(-1, &t->mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals != -1 && hide(t))
		return true;
	if (t->signals != -1)
		(void)close(t->signals);
	(void)sigprocmask(SIG_SETMASK, &t->before, NULL);
	return false;
}

static void
terminal_end(struct terminal *t)
{
	show(t);
	say(t->fd, "\n");
	(void)close(t->signals);
	(void)sigprocmask(SIG_SETMASK, &t->before, NULL);
}

/*
 * Take a signal as if nothing had been blocked, with the terminal as it was.
 * Most end the program here.  When it goes on, the question is asked again.
 */
static bool
take_signal(struct terminal *t, struct input *in, const char *text)
{
	struct signalfd_siginfo info;
	sigset_t one;

	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return true;
	show(t);
	say(t->fd, "\n");
	secmem_wipe(in->data, in->max + 1);
	in->len = 0;
	(void)sigemptyset(&one);
	(void)sigaddset(&one, (int)info.ssi_signo);
	(void)raise((int)info.ssi_signo);
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL);
	(void)sigprocmask(SIG_BLOCK, &one, NULL);
	if (tcgetattr(t->fd, &t->shown) == -1 || !hide(t))
		return false;
	say(t->fd, text);
	return true;
}

/* Wait until a line is there; false when the terminal is gone. */
static bool
wait_line(struct terminal *t, struct input *in, const char *text)
{
	struct pollfd fds[2] = { { t->fd, POLLIN, 0 },
		{ t->signals, POLLIN, 0 } };

	for (;;) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return false;
		if (fds[1].revents != 0 && !take_signal(t, in, text))
			return false;
		else if (fds[1].revents == 0 && fds[0].revents != 0)
			return true;
	}
}

/* A line of at most max bytes, from a terminal; with its newline, if any. */
static ssize_t
read_line(int fd, char *to, size_t max)
{
	ssize_t n;

	do
		n = read(fd, to, max);
	while (n == -1 && errno == EINTR);
	return n;
}

static enum cofre_status
no_terminal(struct problem *p)
{
	return problem_set(p, COFRE_ARGUMENT, "can't ask on the terminal: %s",
	    strerror(errno));
}

static enum cofre_status
finish(struct input *in, ssize_t n, struct problem *p)
{
	bool whole = n > 0 && in->data[n - 1] == '\n';

	if (n == -1)
		return no_terminal(p);
	in->len = (size_t)n - (whole ? 1 : 0);
	if (in->len > in->max || in->len > PROMPT_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "that is too long for a terminal: give it on standard "
		    "input or in a file");
	if (in->len == 0)
		return problem_set(p, COFRE_ARGUMENT, "nothing was typed");
	return COFRE_OK;
}

enum cofre_status
prompt_secret_fd(struct input *in, int tty, const char *text,
    struct problem *p)
{
	struct terminal t;
	ssize_t n = -1;

	in->len = 0;
	if (!terminal_start(&t, tty))
		return no_terminal(p);
	say(tty, text);
	if (wait_line(&t, in, text))
		n = read_line(tty, in->data, in->max + 1);
	terminal_end(&t);
	return finish(in, n, p);
}

static int
open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

enum cofre_status
prompt_secret(struct input *in, const char *text, struct problem *p)
{
	int tty = open_terminal();
	enum cofre_status s;

	if (tty == -1)
		return no_terminal(p);
	s = prompt_secret_fd(in, tty, text, p);
	(void)close(tty);
	return s;
}

enum cofre_status
prompt_twice_fd(struct input *in, size_t min, int tty, const char *text,
    const char *again, struct problem *p)
{
	struct input second;
	enum cofre_status s = input_init(&second, in->max, p);
	bool same = false;

	for (int i = 0; i < 3 && s == COFRE_OK && !same; i++) {
		if (i > 0)
			say(tty, "The two differ: try again.\n");
		s = prompt_secret_fd(in, tty, text, p);
		if (s == COFRE_OK && in->len < min)
			break;
		if (s == COFRE_OK)
			s = prompt_secret_fd(&second, tty, again, p);
		same = view_equal(input_view(in), input_view(&second));
	}
	input_free(&second);
	if (s == COFRE_OK && !same && in->len >= min)
		return problem_set(p, COFRE_ARGUMENT,
		    "the two were not the same");
	return s;
}

enum cofre_status
prompt_twice(struct input *in, size_t min, const char *text,
    const char *again, struct problem *p)
{
	int tty = open_terminal();
	enum cofre_status s;

	if (tty == -1)
		return no_terminal(p);
	s = prompt_twice_fd(in, min, tty, text, again, p);
	(void)close(tty);
	return s;
}

bool
prompt_is(const char *text, const char *want)
{
	char answer[ANSWER_MAX + 1];
	size_t len = strlen(want);
	int tty = open_terminal();
	ssize_t n;

	if (tty == -1)
		return false;
	say(tty, text);
	n = read_line(tty, answer, sizeof(answer));
	(void)close(tty);
	return n == (ssize_t)len + 1 && memcmp(answer, want, len) == 0 &&
	    answer[len] == '\n';
}
