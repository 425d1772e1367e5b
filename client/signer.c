#include "signer.h"

#include <string.h>

#include "ssh_agent.h"

#define LENGTH 4u

static uint32_t
number_at(const uint8_t *at)
{
	struct wire_reader r;

	wire_reader_init(&r, (struct view){ at, 4 });
	return wire_get_u32(&r);
}

/*
 * Take bytes off v, as far as the message goes.  True when it is whole: its
 * beginning is in s->head, and s->have says how long it is.
 */
static bool
take(struct signer_stream *s, struct view *v)
{
	while (v->len > 0) {
		uint64_t end = s->have < LENGTH ? LENGTH :
		    LENGTH + (uint64_t)number_at(s->head);
		size_t n = end - s->have < v->len ? (size_t)(end - s->have) :
						    v->len;

		if (s->have < SIGNER_HEAD)
			memcpy(s->head + s->have, v->data,
			    n < SIGNER_HEAD - s->have ? n :
			    SIGNER_HEAD - (size_t)s->have);
		s->have += n;
		*v = (struct view){ v->data + n, v->len - n };
		if (s->have >= LENGTH &&
		    s->have == LENGTH + (uint64_t)number_at(s->head))
			return true;
	}
	return false;
}

static bool
is(const struct signer_stream *s, enum ssh_agent_number number)
{
	return s->have > LENGTH && s->head[LENGTH] == number;
}

void
signer_asks(struct signer *s, struct view bytes)
{
	const uint8_t *blob = s->asked.head + SIGNER_HEAD - SSH_KEY_BLOB_LEN;

	while (take(&s->asked, &bytes)) {
		s->waiting++;
		s->has_key = s->waiting == 1 && is(&s->asked, SSH_AGENT_SIGN) &&
		    s->asked.have >= SIGNER_HEAD &&
		    ssh_key_get((struct view){ blob, SSH_KEY_BLOB_LEN }) !=
			NULL && number_at(blob - 4) == SSH_KEY_BLOB_LEN;
		if (s->has_key)
			memcpy(s->key, blob, SSH_KEY_BLOB_LEN);
		s->asked.have = 0;
	}
}

bool
signer_answers(struct signer *s, struct view bytes, struct view *by)
{
	bool any = false;

	while (take(&s->answered, &bytes)) {
		if (is(&s->answered, SSH_AGENT_SIGN_ANSWER)) {
			any = true;
			*by = (struct view){ s->key,
				s->has_key ? SSH_KEY_BLOB_LEN : 0 };
		}
		s->waiting -= s->waiting > 0 ? 1 : 0;
		s->has_key = false;
		s->answered.have = 0;
	}
	return any;
}
