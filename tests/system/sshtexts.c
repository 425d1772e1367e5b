/*
 * sshtexts: what ssh_* writes and reads, for a test that gives it to OpenSSH:
 *
 *	line FROM COMMENT	the line of the key, with options if FROM is not
 *				empty
 *	known HOST PORT LINE	the known_hosts line of a host's key
 *	read LINE		type and fingerprint of a host's key
 *	reads			fingerprint and comment of each of the lines on
 *				standard input that has one
 *	addresses TEXT		is it a list of addresses? exit code 0
 *	cert TYPE SERIAL ID PRINCIPALS AFTER BEFORE COMMAND SOURCE BITS
 *				the line of a certificate
 *	certread		the certificate on standard input, in one line
 *	ca			the line of the CA's key
 *	krl VERSION ID SERIAL...	the list; it has the key too for ID "key"
 *	agent SOCKET		an agent with the key and a certificate; it
 *				prints what it is asked for
 *
 * The key has the seed 00 01 ... 1f, the CA 07 07 ... 07.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ssh_agent.h"
#include "ssh_krl.h"

struct pair {
	uint8_t public[SSH_KEY_LEN], secret[64], blob_bytes[SSH_KEY_BLOB_LEN];
	struct view blob;
};

static struct pair key, ca;
static char text[SSH_LINE_SIZE];
static uint8_t bytes[SSH_AGENT_MESSAGE_MAX + 4];

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "sshtexts: %s\n", what);
	exit(1);
}

static void
make_pair(struct pair *p, const uint8_t seed[32])
{
	struct wire_writer w;

	(void)crypto_sign_seed_keypair(p->public, p->secret, seed);
	wire_writer_init(&w, p->blob_bytes, sizeof(p->blob_bytes));
	ssh_key_put(&w, p->public);
	p->blob = (struct view){ p->blob_bytes, w.len };
}

static void
print_line(struct view blob, const char *from, const char *comment)
{
	struct ssh_line l = { .restricted = *from != '\0',
		.from = view_of(from), .blob = blob,
		.comment = view_of(comment) };

	must(ssh_line_make(text, sizeof(text), &l), "no line");
	(void)printf("%s\n", text);
}

static struct view
sign_certificate(const struct ssh_cert *c, uint8_t *out, size_t size)
{
	uint8_t signature[SSH_SIGNATURE_LEN];
	struct wire_writer w;

	wire_writer_init(&w, out, size);
	ssh_cert_put(&w, c);
	must(!w.bad, "no certificate");
	(void)crypto_sign_detached(signature, NULL, out, w.len, ca.secret);
	ssh_cert_put_signature(&w, signature);
	must(!w.bad, "no room");
	return (struct view){ out, w.len };
}

static uint64_t
number(const char *s)
{
	return strtoull(s, NULL, 10);
}

static void
do_cert(char **a)
{
	uint8_t principals[1024], out[SSH_BLOB_MAX];
	struct ssh_cert c = { .type = (enum ssh_cert_type)number(a[0]),
		.nonce = ca.secret, .key = key.public, .serial = number(a[1]),
		.after = number(a[4]), .before = number(a[5]),
		.key_id = view_of(a[2]), .force_command = view_of(a[6]),
		.source_address = view_of(a[7]),
		.extensions = (unsigned)number(a[8]), .ca = ca.blob };
	struct wire_writer w;

	wire_writer_init(&w, principals, sizeof(principals));
	for (char *p = strtok(a[3], ","); p != NULL; p = strtok(NULL, ","))
		wire_put_string(&w, view_of(p), SSH_NAME_MAX);
	c.principals = (struct view){ principals, w.len };
	print_line(sign_certificate(&c, out, sizeof(out)), "", "made");
}

/* A certificate's line, as ssh-keygen has made it. */
static void
do_certread(void)
{
	static uint8_t blob[SSH_BLOB_MAX];
	char *base64;
	struct ssh_cert c;
	size_t len = 0;

	must(fgets(text, sizeof(text), stdin) != NULL, "no line");
	(void)strtok(text, " ");
	base64 = strtok(NULL, " \n");
	must(base64 != NULL && sodium_base642bin(blob, sizeof(blob), base64,
		strlen(base64), NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) == 0, "no base64");
	must(ssh_cert_get((struct view){ blob, len }, &c), "no certificate");
	(void)printf("%d %llu %.*s %llu %llu '%.*s' '%.*s' %u %zu\n", c.type,
	    (unsigned long long)c.serial, (int)c.key_id.len,
	    (const char *)c.key_id.data, (unsigned long long)c.after,
	    (unsigned long long)c.before, (int)c.force_command.len,
	    (const char *)c.force_command.data, (int)c.source_address.len,
	    (const char *)c.source_address.data, c.extensions,
	    c.principals.len);
}

static void
do_krl(int n, char **a)
{
	uint8_t ids[SSH_CERT_ID_MAX + 4], keys[SSH_KEY_BLOB_LEN + 4];
	uint64_t serials[64];
	struct wire_writer w, id, k;
	struct ssh_krl list = { .version = number(a[0]),
		.generated = 1577836800, .ca = ca.blob, .serials = serials };

	wire_writer_init(&id, ids, sizeof(ids));
	wire_writer_init(&k, keys, sizeof(keys));
	if (strcmp(a[1], "key") == 0)
		wire_put_string(&k, key.blob, SSH_BLOB_MAX);
	else if (*a[1] != '\0')
		wire_put_string(&id, view_of(a[1]), SSH_CERT_ID_MAX);
	list.key_ids = (struct view){ ids, id.len };
	list.keys = (struct view){ keys, k.len };
	for (int i = 2; i < n && i < 64; i++)
		serials[list.serial_count++] = number(a[i]);
	wire_writer_init(&w, bytes, sizeof(bytes));
	ssh_krl_put(&w, &list);
	must(!w.bad, "no list");
	must(fwrite(bytes, w.len, 1, stdout) == 1, "not written");
}

static void
do_read(const char *line)
{
	static uint8_t blob[SSH_BLOB_MAX];
	char fingerprint[SSH_FINGERPRINT_SIZE];
	struct ssh_host_key k;

	must(ssh_line_host_key(view_of(line), blob, &k), "no host key");
	ssh_key_fingerprint(fingerprint, k.blob);
	(void)printf("%s %s\n", k.type, fingerprint);
}

static void
do_reads(void)
{
	static uint8_t blob[SSH_BLOB_MAX];
	char fingerprint[SSH_FINGERPRINT_SIZE];
	struct ssh_host_key k;

	while (fgets(text, sizeof(text), stdin) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		if (!ssh_line_host_key(view_of(text), blob, &k))
			continue;
		ssh_key_fingerprint(fingerprint, k.blob);
		(void)printf("%s %s\n", fingerprint, strrchr(text, ' ') + 1);
	}
}

static void
do_known(const char *host, const char *port, const char *line)
{
	static uint8_t blob[SSH_BLOB_MAX];
	struct ssh_host_key k;

	must(ssh_line_host_key(view_of(line), blob, &k), "no host key");
	must(ssh_line_known_host(text, sizeof(text), view_of(host),
		(uint16_t)number(port), k.blob), "no line");
	(void)printf("%s\n", text);
}

/* --- an agent ---------------------------------------------------------------- */

static void
answer_list(struct wire_writer *w)
{
	uint8_t cert[SSH_BLOB_MAX];
	struct ssh_cert c = { .type = SSH_CERT_USER, .nonce = ca.secret,
		.key = key.public, .serial = 1, .before = SSH_CERT_FOREVER,
		.key_id = view_of("ws1"), .ca = ca.blob,
		.principals = { (const uint8_t *)"\0\0\0\005alice", 9 } };
	struct ssh_agent_list l;

	ssh_agent_list_begin(&l, w);
	ssh_agent_list_key(&l, key.blob, view_of("cofre:ws1/node1"));
	ssh_agent_list_key(&l, sign_certificate(&c, cert, sizeof(cert)),
	    view_of("a certificate"));
	ssh_agent_list_end(&l);
}

static void
answer_sign(const struct ssh_agent_request *q, struct wire_writer *w)
{
	const uint8_t *asked = ssh_cert_key(q->blob, SSH_CERT_USER);
	uint8_t signature[SSH_SIGNATURE_LEN];
	enum ssh_tosign_result result;
	struct ssh_tosign t = { .kind = SSH_TOSIGN_LOGIN };

	result = ssh_tosign_get(q->data, &t);
	if (asked == NULL || memcmp(asked, key.public, SSH_KEY_LEN) != 0 ||
	    result != SSH_TOSIGN_OK) {
		(void)printf("refused: %s\n", ssh_tosign_text(result));
		ssh_agent_put(w, SSH_AGENT_FAILURE);
		return;
	}
	if (t.kind == SSH_TOSIGN_FILE)
		(void)printf("file %.*s\n", (int)t.name_space.len,
		    (const char *)t.name_space.data);
	else
		(void)printf("login %.*s, host key of %zu bytes\n",
		    (int)t.user.len, (const char *)t.user.data,
		    t.host_key.len);
	(void)crypto_sign_detached(signature, NULL, q->data.data, q->data.len,
	    key.secret);
	ssh_agent_put_signature(w, signature);
}

static void
answer_bind(const struct ssh_agent_bind *b, struct wire_writer *w)
{
	const uint8_t *host, *signature;
	bool good = ssh_agent_bind_check(b, &host, &signature) &&
	    crypto_sign_verify_detached(signature, b->session.data,
		b->session.len, host) == 0;

	(void)printf("bind: %s\n", good ? "good" : "bad");
	ssh_agent_put(w, good ? SSH_AGENT_SUCCESS :
				SSH_AGENT_EXTENSION_FAILURE);
}

static void
answer(struct view message, struct wire_writer *w)
{
	struct ssh_agent_request q;

	ssh_agent_get(message, &q);
	switch (q.kind) {
	case SSH_ASKS_LIST:
		answer_list(w);
		break;
	case SSH_ASKS_SIGN:
		answer_sign(&q, w);
		break;
	case SSH_ASKS_BIND:
		answer_bind(&q.bind, w);
		break;
	case SSH_ASKS_QUERY:
		ssh_agent_put_query(w);
		break;
	case SSH_ASKS_REFUSED:
	case SSH_ASKS_EXTENSION:
	case SSH_ASKS_DAMAGED:
		(void)printf("refused: %s\n", ssh_agent_name(q.number));
		ssh_agent_put(w, SSH_AGENT_FAILURE);
		break;
	}
	(void)fflush(stdout);
}

static void
serve(int fd)
{
	static uint8_t in[SSH_AGENT_MESSAGE_MAX + 4];
	struct wire_writer w;
	struct view message;
	size_t have = 0, used = 0;
	ssize_t n;

	while ((n = read(fd, in + have, sizeof(in) - have)) > 0) {
		have += (size_t)n;
		wire_writer_init(&w, bytes, sizeof(bytes));
		while (ssh_agent_cut((struct view){ in, have }, &message,
			   &used) == SSH_FRAME_WHOLE) {
			answer(message, &w);
			have -= used;
			memmove(in, in + used, have);
		}
		must(!w.bad && (w.len == 0 ||
			write(fd, bytes, w.len) == (ssize_t)w.len), "no answer");
	}
	(void)close(fd);
}

static void
do_agent(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), c;

	must(fd != -1 && strlen(path) < sizeof(at.sun_path), "no socket");
	memcpy(at.sun_path, path, strlen(path));
	must(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(fd, 8) == 0, "no socket there");
	(void)printf("ready\n");
	(void)fflush(stdout);
	while ((c = accept(fd, NULL, NULL)) != -1)
		serve(c);
}

int
main(int argc, char **argv)
{
	uint8_t seed[32];

	must(argc >= 2 && sodium_init() >= 0, "what?");
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	make_pair(&key, seed);
	memset(seed, 7, sizeof(seed));
	make_pair(&ca, seed);
	if (strcmp(argv[1], "line") == 0 && argc == 4)
		print_line(key.blob, argv[2], argv[3]);
	else if (strcmp(argv[1], "known") == 0 && argc == 5)
		do_known(argv[2], argv[3], argv[4]);
	else if (strcmp(argv[1], "read") == 0 && argc == 3)
		do_read(argv[2]);
	else if (strcmp(argv[1], "reads") == 0 && argc == 2)
		do_reads();
	else if (strcmp(argv[1], "addresses") == 0 && argc == 3)
		return ssh_text_is_addresses(view_of(argv[2])) ? 0 : 1;
	else if (strcmp(argv[1], "cert") == 0 && argc == 11)
		do_cert(argv + 2);
	else if (strcmp(argv[1], "certread") == 0)
		do_certread();
	else if (strcmp(argv[1], "ca") == 0)
		print_line(ca.blob, "", "ca");
	else if (strcmp(argv[1], "krl") == 0 && argc >= 4)
		do_krl(argc - 2, argv + 2);
	else if (strcmp(argv[1], "agent") == 0 && argc == 3)
		do_agent(argv[2]);
	else
		must(false, "what?");
	return 0;
}
