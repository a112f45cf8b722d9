/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_CLI_H
#define CLIENT_CLI_H

#include "client/daxsmb.h"

#include <getopt.h>

/* The daxsmb command: what its subcommands share. */

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_CONNECTION = 3 };

struct command;

struct cli {
	const struct command *command;
	struct tevent_context *ev;
	struct daxsmb_options options;
	bool anonymous, recursive, long_listing, parents, quiet, direct;
	uint16_t direct_port; /* where the server takes SMB Direct; 0: 5445 */
	unsigned depth; /* requests in flight; 0: the default of the subcommand */
	uint32_t block; /* bytes in one of them, before the server's limit */
	int argc;       /* operands */
	char **argv;
	struct daxsmb_url url;
	struct daxsmb_mount m;
	struct daxsmb_direct *direct_access; /* once it is needed; a child of m.tree */
	void *extra; /* the subcommand's own options */
};

struct command {
	const char *name, *operands, *summary;
	int min_operands, max_operands;
	int (*run)(struct cli *cli);
	/* Options of its own: codes from 1000 on. extra: zeroed memory for them. */
	const struct option *options;
	bool (*take)(struct cli *cli, int code, const char *value);
	size_t extra_size;
	const char *options_help;
};

/* Rows of the table in main.c. */
extern const struct command command_ls, command_get, command_put, command_cat, command_stat, command_rm,
	command_mkdir, command_bench, command_map;

/* False after having said what is wrong. */
bool cli_parse(struct cli *cli, int argc, char **argv);
/* "4k", "64MiB": bytes. False if it is no size or 0. */
bool cli_size(const char *text, uint64_t *out);
/*
 * Fills options.user, domain and password from `user`, `domain\user` or either with %password. Wipes the
 * password in arg.
 */
bool cli_credentials(struct cli *cli, char *arg);
/* Asks for the password where none was given. False if there is nobody to ask. */
bool cli_password(struct cli *cli);

/* Whether fd can be waited for: a regular file cannot, and /dev/null and the like need not. */
bool cli_can_wait_for(int fd);

/* One line on stderr. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "daxsmb: //host/share/path: what: reason", and CLI_FAILED. what may be NULL. */
int cli_fail(const struct cli *cli, const char *path, const char *what, ntstatus_t status);
/* The status in words: its name, and an explanation where one helps. */
const char *cli_reason(ntstatus_t status);

/* Opens the share of cli->url, whose text is given; 0 or an exit code after having said why. */
int cli_mount(struct cli *cli, const char *url);

/* A directory's entries, read whole; array and names are children of the array. */
struct remote_entry {
	const char *name;
	struct dir_entry_facts facts; /* facts.name is name */
};
ntstatus_t remote_list(TALLOC_CTX *mem, struct cli *cli, const char *dir, const char *pattern,
	struct remote_entry **out, size_t *count);
bool remote_is_directory(const struct remote_entry *e);

#endif
