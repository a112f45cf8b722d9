/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/direct_copy.h"
#include "client/path.h"
#include "client/transfer.h"

#include <dirent.h>
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

static int put_from(struct cli *cli, int fd, const char *local_name, const char *path)
{
	int local;
	ntstatus_t status = (cli->direct ? direct_put : transfer_put)(cli, fd, path, client_path_last(path), &local);

	if (local)
		return local_fail(local_name, local);
	return status_is_ok(status) ? CLI_OK : cli_fail(cli, path, "put", status);
}

static int put_file(struct cli *cli, const char *local, const char *path)
{
	int fd = open(local, O_RDONLY | O_CLOEXEC);
	int code;

	if (fd < 0)
		return local_fail(local, -errno);
	code = put_from(cli, fd, local, path);
	close(fd);
	return code;
}

static int put_tree(struct cli *cli, const char *local, const char *path);

static int put_entry(struct cli *cli, const char *dir, const char *path, const char *name)
{
	char *from = talloc_asprintf(cli, "%s/%s", dir, name);
	char *to = client_path_join(cli, path, name);
	struct stat st;
	int code = CLI_FAILED;

	if (!from || !to)
		cli_error("%s: out of memory", name);
	else if (stat(from, &st))
		local_fail(from, -errno);
	else if (S_ISDIR(st.st_mode))
		code = put_tree(cli, from, to);
	else if (S_ISREG(st.st_mode))
		code = put_file(cli, from, to);
	else
		cli_error("%s: skipped, it is no regular file", from);
	talloc_free(from);
	talloc_free(to);
	return code;
}

static int put_tree(struct cli *cli, const char *local, const char *path)
{
	ntstatus_t status = *path ? daxsmb_mkdir(cli->ev, cli->m.tree, path) : (ntstatus_t)STATUS_SUCCESS;
	int code = CLI_OK;
	struct dirent *e;
	DIR *dir;

	if (!status_is_ok(status) && status != STATUS_OBJECT_NAME_COLLISION)
		return cli_fail(cli, path, "mkdir", status);
	dir = opendir(local);
	if (!dir)
		return local_fail(local, -errno);
	while ((e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int one = put_entry(cli, local, path, e->d_name);

		code = one != CLI_OK ? one : code;
	}
	closedir(dir);
	return code;
}

/* Where LOCAL goes: into the URL's path where that is a directory, else to it. */
static char *destination(struct cli *cli, const char *local)
{
	char *clean = talloc_strdup(cli, local);
	struct file_facts facts = {0};
	size_t n = clean ? strlen(clean) : 0;

	while (n > 1 && clean[n - 1] == '/')
		clean[--n] = '\0';
	if (!clean)
		return NULL;
	if (*cli->url.path && (!status_is_ok(daxsmb_stat(cli, cli->ev, cli->m.tree, cli->url.path, &facts)) ||
				      !facts.directory))
		return talloc_strdup(cli, cli->url.path);
	return client_path_join(cli, cli->url.path, strrchr(clean, '/') ? strrchr(clean, '/') + 1 : clean);
}

static int run_put(struct cli *cli)
{
	const char *local = cli->argv[0];
	int code = cli_mount(cli, cli->argv[1]);
	struct stat st;
	char *path;

	if (code)
		return code;
	if (strcmp(local, "-") == 0)
		return put_from(cli, STDIN_FILENO, "standard input", cli->url.path);
	if (stat(local, &st))
		return local_fail(local, -errno);
	if (S_ISDIR(st.st_mode) && !cli->recursive) {
		cli_error("%s: is a directory; -r copies it whole", local);
		return CLI_FAILED;
	}
	path = destination(cli, local);
	if (!path)
		return cli_fail(cli, cli->url.path, NULL, STATUS_NO_MEMORY);
	return S_ISDIR(st.st_mode) ? put_tree(cli, local, path) : put_file(cli, local, path);
}

const struct command command_put = {
	.name = "put",
	.operands = "LOCAL|- URL",
	.summary = "copy to the server",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_put,
};
