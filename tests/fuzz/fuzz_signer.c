/*
 * Any bytes as what passes between an ssh client and an agent, in both
 * directions: a byte that says which way the next ones go and how many they
 * are, then these.  However they are cut on their way, what is seen of them is
 * what one sees who has all bytes before him: how many signatures, and by
 * which key.
 */
#include <stdlib.h>
#include <string.h>

#include "signer.h"
#include "ssh_agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 4096u
#define ANSWERS 0x80u /* which way; the other bits are a number */

/* All bytes of one direction that make no whole message yet. */
struct stream {
	uint8_t bytes[SIZE_LIMIT];
	size_t len;
};

struct model {
	struct stream asked, answered;
	size_t waiting;
	struct view by; /* in key; empty when there is none */
	uint8_t key[SSH_KEY_BLOB_LEN];
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The whole message at the beginning, without its length; *size with it. */
static bool
first(const struct stream *s, struct view *message, size_t *size)
{
	struct wire_reader r;
	uint32_t n;

	wire_reader_init(&r, (struct view){ s->bytes, s->len });
	n = wire_get_u32(&r);
	if (r.bad || r.len < n)
		return false;
	*message = (struct view){ r.data, n };
	*size = 4 + (size_t)n;
	return true;
}

static void
drop(struct stream *s, size_t n)
{
	memmove(s->bytes, s->bytes + n, s->len - n);
	s->len -= n;
}

static void
put(struct stream *s, struct view v)
{
	if (v.len > 0)
		memcpy(s->bytes + s->len, v.data, v.len);
	s->len += v.len;
}

/* One request: of whom is a signature wanted? */
static void
ask(struct model *m, struct view message)
{
	struct wire_reader r;
	struct view blob;
	uint8_t number;

	wire_reader_init(&r, message);
	number = wire_get_u8(&r);
	blob = wire_get_string(&r, SSH_BLOB_MAX);
	m->by.len = 0;
	if (++m->waiting > 1 || r.bad || number != SSH_AGENT_SIGN ||
	    ssh_key_get(blob) == NULL)
		return;
	memcpy(m->key, blob.data, SSH_KEY_BLOB_LEN);
	m->by = (struct view){ m->key, SSH_KEY_BLOB_LEN };
}

/* The answers that are whole; the last signature's key goes to *by. */
static bool
answer(struct model *m, struct view *by)
{
	struct view message;
	bool any = false;
	size_t n;

	for (; first(&m->answered, &message, &n); drop(&m->answered, n)) {
		if (message.len > 0 &&
		    message.data[0] == SSH_AGENT_SIGN_ANSWER) {
			any = true;
			*by = m->by;
		}
		m->waiting -= m->waiting > 0;
		m->by.len = 0;
	}
	return any;
}

static void
check_asked(struct signer *s, struct model *m, struct view part)
{
	struct view message;
	size_t n;

	signer_asks(s, part);
	put(&m->asked, part);
	for (; first(&m->asked, &message, &n); drop(&m->asked, n))
		ask(m, message);
}

static void
check_answered(struct signer *s, struct model *m, struct view part)
{
	struct view by = { NULL, 0 }, wanted = { NULL, 0 };

	put(&m->answered, part);
	must(signer_answers(s, part, &by) == answer(m, &wanted));
	must(view_equal(by, wanted));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model m;
	struct signer s = { .waiting = 0 };

	if (size > SIZE_LIMIT)
		return 0;
	memset(&m, 0, sizeof(m));
	while (size > 0) {
		size_t n = data[0] & (ANSWERS - 1);
		struct view part = { data + 1, n < size - 1 ? n : size - 1 };

		if ((data[0] & ANSWERS) != 0)
			check_answered(&s, &m, part);
		else
			check_asked(&s, &m, part);
		data += 1 + part.len;
		size -= 1 + part.len;
	}
	return 0;
}
