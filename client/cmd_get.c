/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/direct_copy.h"
#include "client/path.h"
#include "client/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int local_fail(const char *path, int err)
{
	cli_error("%s: %s", path, strerror(-err));
	return CLI_FAILED;
}

/* To a descriptor that is open. */
static int get_to(struct cli *cli, const char *path, int fd, const char *local_name)
{
	int local;
	ntstatus_t status = (cli->direct ? direct_get : transfer_get)(cli, path, fd, client_path_last(path), &local);

	if (local)
		return local_fail(local_name, local);
	return status_is_ok(status) ? CLI_OK : cli_fail(cli, path, "get", status);
}

static int get_file(struct cli *cli, const char *path, const char *local)
{
	int fd = open(local, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int code;

	if (fd < 0)
		return local_fail(local, -errno);
	code = get_to(cli, path, fd, local);
	if (close(fd) && code == CLI_OK)
		code = local_fail(local, -errno);
	return code;
}

/* A server chooses names; none may lead out of the folder that they are put in. */
static bool name_is_harmless(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static int get_tree(struct cli *cli, const char *path, const char *local);

static int get_entry(
	struct cli *cli, TALLOC_CTX *mem, const char *dir, const char *local, const struct remote_entry *e)
{
	char *from = client_path_join(mem, dir, e->name);
	char *to = talloc_asprintf(mem, "%s/%s", local, e->name);

	if (!from || !to)
		return cli_fail(cli, dir, NULL, STATUS_NO_MEMORY);
	if (!name_is_harmless(e->name))
		return cli_fail(cli, from, "skipped", STATUS_OBJECT_NAME_INVALID);
	return remote_is_directory(e) ? get_tree(cli, from, to) : get_file(cli, from, to);
}

static int get_tree(struct cli *cli, const char *path, const char *local)
{
	struct remote_entry *list;
	size_t count;
	ntstatus_t status;
	int code = CLI_OK;

	if (mkdir(local, 0777) && errno != EEXIST)
		return local_fail(local, -errno);
	status = remote_list(cli, cli, path, "*", &list, &count);
	if (!status_is_ok(status))
		code = cli_fail(cli, path, "list", status);
	for (size_t i = 0; i < count; i++) {
		int one = get_entry(cli, list, path, local, &list[i]);

		code = one != CLI_OK ? one : code;
	}
	talloc_free(list);
	return code;
}

/* Where a file or directory goes: into LOCAL where that is a directory, else to LOCAL. */
static const char *destination(struct cli *cli, const char *local)
{
	const char *name = client_path_last(cli->url.path);
	struct stat st;

	if (!*name)
		name = cli->url.share;
	if (!local)
		return name;
	if (stat(local, &st) == 0 && S_ISDIR(st.st_mode))
		return talloc_asprintf(cli, "%s/%s", local, name);
	return local;
}

static int run_get(struct cli *cli)
{
	const char *local = cli->argc > 1 ? cli->argv[1] : NULL;
	int code = cli_mount(cli, cli->argv[0]);
	struct file_facts facts = {0};
	ntstatus_t status;

	if (code)
		return code;
	if (local && strcmp(local, "-") == 0)
		return get_to(cli, cli->url.path, STDOUT_FILENO, "standard output");
	local = destination(cli, local);
	if (!local)
		return cli_fail(cli, cli->url.path, NULL, STATUS_NO_MEMORY);
	if (!cli->recursive)
		return get_file(cli, cli->url.path, local);
	status = daxsmb_stat(cli, cli->ev, cli->m.tree, cli->url.path, &facts);
	if (!status_is_ok(status))
		return cli_fail(cli, cli->url.path, "get", status);
	return facts.directory ? get_tree(cli, cli->url.path, local) : get_file(cli, cli->url.path, local);
}

const struct command command_get = {
	.name = "get",
	.operands = "URL [LOCAL|-]",
	.summary = "copy from the server",
	.min_operands = 1,
	.max_operands = 2,
	.run = run_get,
};

static int run_cat(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);

	cli->quiet = true;
	return code ? code : get_to(cli, cli->url.path, STDOUT_FILENO, "standard output");
}

const struct command command_cat = {
	.name = "cat",
	.operands = "URL",
	.summary = "write a file to standard output",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_cat,
};
