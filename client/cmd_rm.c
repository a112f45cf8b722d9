/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"
#include "client/path.h"

static int remove_one(struct cli *cli, const char *path, bool directory)
{
	ntstatus_t status = daxsmb_delete(cli->ev, cli->m.tree, path, directory);

	return status_is_ok(status) ? CLI_OK : cli_fail(cli, path, "rm", status);
}

static int remove_tree(struct cli *cli, const char *dir)
{
	struct remote_entry *list;
	size_t count;
	ntstatus_t status = remote_list(cli, cli, dir, "*", &list, &count);
	int code = status_is_ok(status) ? CLI_OK : cli_fail(cli, dir, "list", status);

	for (size_t i = 0; i < count; i++) {
		char *path = client_path_join(list, dir, list[i].name);
		/* What a reparse point leads to is not ours to remove. */
		bool descend = remote_is_directory(&list[i]) &&
			       !(list[i].facts.attributes & FILE_ATTRIBUTE_REPARSE_POINT);
		int one = !path     ? CLI_FAILED
			  : descend ? remove_tree(cli, path)
				    : remove_one(cli, path, remote_is_directory(&list[i]));

		code = one != CLI_OK ? one : code;
	}
	talloc_free(list);
	return code == CLI_OK ? remove_one(cli, dir, true) : code;
}

static int run_rm(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);
	struct file_facts f = {0};
	ntstatus_t status;

	if (code)
		return code;
	if (!*cli->url.path) {
		cli_error("%s: that is the share itself", cli->argv[0]);
		return CLI_USAGE;
	}
	if (!cli->recursive)
		return remove_one(cli, cli->url.path, false);
	status = daxsmb_stat(cli, cli->ev, cli->m.tree, cli->url.path, &f);
	if (!status_is_ok(status))
		return cli_fail(cli, cli->url.path, "rm", status);
	return f.directory ? remove_tree(cli, cli->url.path) : remove_one(cli, cli->url.path, false);
}

const struct command command_rm = {
	.name = "rm",
	.operands = "URL",
	.summary = "delete a file, with -r a directory and all below",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_rm,
};

/* Each directory on the way; those that are there are no error. */
static int make_parents(struct cli *cli)
{
	char *path = talloc_strdup(cli, cli->url.path);

	for (char *p = path; p && (p = strchr(p, '\\')); *p++ = '\\') {
		*p = '\0';
		ntstatus_t status = daxsmb_mkdir(cli->ev, cli->m.tree, path);

		if (!status_is_ok(status) && status != STATUS_OBJECT_NAME_COLLISION)
			return cli_fail(cli, path, "mkdir", status);
	}
	return CLI_OK;
}

static int run_mkdir(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);
	ntstatus_t status;

	if (code == CLI_OK && cli->parents)
		code = make_parents(cli);
	if (code)
		return code;
	status = daxsmb_mkdir(cli->ev, cli->m.tree, cli->url.path);
	if (status == STATUS_OBJECT_NAME_COLLISION && cli->parents)
		return CLI_OK;
	return status_is_ok(status) ? CLI_OK : cli_fail(cli, cli->url.path, "mkdir", status);
}

const struct command command_mkdir = {
	.name = "mkdir",
	.operands = "URL",
	.summary = "make a directory",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_mkdir,
};
