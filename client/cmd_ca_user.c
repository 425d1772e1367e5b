/* ca user: certify the login of a target. */
#include "cmd_ca.h"

#include <string.h>

#include "authline.h"
#include "output.h"
#include "ssh_text.h"
#include "status.h"

struct options {
	const char *command, *addresses, *lifetime, *output;
};

/* Read what the certificate is to say. */
static int
take(const struct cmd *cmd, const struct options *o, struct ca_user_request *q)
{
	if (o->command != NULL) {
		q->command = view_of(o->command);
		if (q->command.len == 0 ||
		    !ssh_text_is_line(q->command, SSH_COMMAND_MAX))
			return cmd_error(cmd, COFRE_ARGUMENT,
			    "--command: one line of at most %u bytes",
			    SSH_COMMAND_MAX);
	}
	if (o->addresses != NULL) {
		q->addresses = view_of(o->addresses);
		if (!ssh_text_is_addresses(q->addresses))
			return cmd_error(cmd, COFRE_ARGUMENT,
			    "--source-address: addresses and networks with "
			    "commas between, such as 10.0.0.0/8,::1");
	}
	if (o->lifetime != NULL && (!arg_seconds(o->lifetime,
		CA_USER_LIFE_MAX, &q->validity) || q->validity == 0))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--lifetime: a number of seconds or minutes, such as 5m, "
		    "and at most 1h");
	return CMD_GO;
}

static int
certify(struct cmd *cmd, const struct options *o,
    const struct ca_user_request *q)
{
	char comment[AUTHLINE_COMMENT], time[OUTPUT_TIME];
	struct ca_user_reply m;
	struct view body;
	enum cofre_status s = cmd_open(cmd);
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	ca_user_request_put(call_begin(cmd->c, OP_CA_USER), q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !ca_user_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_INVALID)
		return cmd_error(cmd, s, "'cofre target show %s' says whether "
		    "its login can be certified; and where it has a from= "
		    "there is no other --source-address", cmd->object);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)snprintf(comment, sizeof(comment), "cofre:%s", cmd->object);
	code = cmd_ca_print(cmd, o->output, comment, m.certificate);
	if (code == 0)
		(void)fprintf(stderr, "serial %llu, until %s\n",
		    (unsigned long long)m.serial,
		    output_time(m.before, time));
	return code;
}

int
cmd_ca_user(struct cmd *cmd, int argc, char **argv)
{
	struct options o = { .output = NULL };
	const struct option_row rows[] = {
		{ "command", 0, OPTION_TEXT, "CMD", &o.command,
		    "the only one that can be executed with it" },
		{ "source-address", 0, OPTION_TEXT, "LIST", &o.addresses,
		    "addresses from which it is good" },
		{ "lifetime", 0, OPTION_TEXT, "TIME", &o.lifetime,
		    "such as 5m, at most 1h; 15m otherwise" },
		{ "output", 'o', OPTION_TEXT, "FILE", &o.output,
		    "replace that file at once" },
	};
	const struct option_usage u = {
		"ca user WORKSPACE/NAME [option ...]",
		"Certify the login of a target, for its newest key: a "
		"CertificateFile of ssh's,\nfor a host that trusts the CA.  Who "
		"asked for it alone can use it.\n", rows, 4, 1, 1
	};
	struct ca_user_request q = { .validity = 0 };
	struct arg_object name;
	int code = cmd_parse_object(cmd, &u, argc, argv, &name);

	if (code == CMD_GO)
		code = take(cmd, &o, &q);
	if (code != CMD_GO)
		return code;
	q.workspace = view_of(name.workspace);
	q.name = view_of(name.name);
	return certify(cmd, &o, &q);
}
