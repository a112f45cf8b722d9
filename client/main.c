/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"
#include "config.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>

static const struct command *const commands[] = {
	&command_ls,
	&command_get,
	&command_put,
	&command_cat,
	&command_stat,
	&command_rm,
	&command_mkdir,
	&command_bench,
	&command_map,
};

static int usage(FILE *to)
{
	fprintf(to, "usage: daxsmb COMMAND [OPTION...] OPERAND...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-6s %-40s %s\n", commands[i]->name, commands[i]->operands,
			commands[i]->summary);
	fprintf(to, "\nURL is //host[:port]/share[/path] or smb://host[:port]/share[/path].\n"
		    "\nOptions:\n"
		    "  -U, --user=[DOMAIN\\]USER[%%PASSWORD]  who logs on; the password also comes from "
		    "$PASSWD or a prompt\n"
		    "  -N, --anonymous                      log on as nobody\n"
		    "  -r, --recursive                      whole directories (get, put, ls, rm)\n"
		    "  -p, --parents                        missing parent directories too (mkdir)\n"
		    "  -l, --long                           sizes, times and attributes (ls)\n"
		    "  -q, --quiet                          no progress bar\n"
		    "      --dialect=MIN[-MAX]              2.0.2, 2.1, 3.0, 3.0.2 or 3.1.1; one: exactly "
		    "that one\n"
		    "      --protect=off|sign|seal          what the messages carry at least (default: what "
		    "the server asks)\n"
		    "      --via=tcp|smbdirect|direct       how the messages travel (default tcp); "
		    "smbdirect: RDMA in "
		    "software; direct: as --direct\n"
		    "      --direct                         map the file and move it by RDMA (get, put)\n"
		    "      --direct-port=N                  where the server takes SMB Direct, for direct access (default "
		    "5445)\n"
		    "      --depth=N                        requests in flight of a transfer (default 16)\n"
		    "      --block=SIZE                     bytes in one request (default 1M)\n"
		    "      --timeout=SECONDS                silence of the server that ends the connection "
		    "(default 60)\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i]->options_help)
			fprintf(to, "\nOptions of %s:\n%s", commands[i]->name, commands[i]->options_help);
	fprintf(to, "\nExit status: 0 done, 1 something failed, 2 wrong usage, 3 no connection or log-on.\n");
	return to == stdout ? CLI_OK : CLI_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int run(int argc, char **argv)
{
	struct cli *cli = talloc_zero(NULL, struct cli);
	int code = CLI_USAGE;

	if (!cli)
		return CLI_FAILED;
	cli->command = find_command(argv[1]);
	cli->ev = tevent_context_init(cli);
	if (!cli->command)
		cli_error("there is no command \"%s\"; try daxsmb --help", argv[1]);
	else if (cli->ev && cli_parse(cli, argc - 1, argv + 1))
		code = cli->command->run(cli);
	if (cli->m.conn)
		daxsmb_unmount(cli->ev, &cli->m);
	talloc_free(cli);
	return code;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	/* Blocks of a transfer come and go: keep their pages instead of faulting them in again. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 128 << 20);
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(stdout);
	if (argc > 2 && strcmp(argv[2], "--help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		printf("daxsmb %s\n", DAXSMBD_VERSION);
		return CLI_OK;
	}
	return run(argc, argv);
}
