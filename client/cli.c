/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"
#include "client/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "daxsmb: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

bool cli_can_wait_for(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd));
}

static const struct {
	ntstatus_t status;
	const char *words;
} reasons[] = {
	{STATUS_ACCESS_DENIED, "access denied"},
	{STATUS_LOGON_FAILURE, "wrong user or password"},
	{STATUS_BAD_NETWORK_NAME, "no such host or share"},
	{STATUS_OBJECT_NAME_NOT_FOUND, "no such file or directory"},
	{STATUS_OBJECT_PATH_NOT_FOUND, "no such directory"},
	{STATUS_OBJECT_NAME_COLLISION, "exists already"},
	{STATUS_OBJECT_NAME_INVALID, "not a valid name"},
	{STATUS_NO_SUCH_FILE, "nothing matches"},
	{STATUS_DIRECTORY_NOT_EMPTY, "directory not empty"},
	{STATUS_FILE_IS_A_DIRECTORY, "is a directory"},
	{STATUS_NOT_A_DIRECTORY, "is not a directory"},
	{STATUS_SHARING_VIOLATION, "in use by another program"},
	{STATUS_DELETE_PENDING, "is being deleted"},
	{STATUS_DISK_FULL, "no space left on the server"},
	{STATUS_IO_TIMEOUT, "the server does not answer"},
	{STATUS_CONNECTION_REFUSED, "nobody listens there"},
	{STATUS_CONNECTION_RESET, "the server ended the connection"},
	{STATUS_CONNECTION_DISCONNECTED, "the server ended the connection"},
	{STATUS_INVALID_NETWORK_RESPONSE, "the server's answer makes no sense"},
	{STATUS_NOT_SUPPORTED, "the server cannot do that"},
	{STATUS_INSUFF_SERVER_RESOURCES, "the server is out of resources"},
};

const char *cli_reason(ntstatus_t status)
{
	static char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].status == status) {
			snprintf(text, sizeof(text), "%s (%s)", reasons[i].words, status_name(status));
			return text;
		}
	}
	return status_name(status);
}

/* //host/share/path as people write it. */
static char *display(const struct cli *cli, const char *path)
{
	char *text =
		talloc_asprintf(cli, "//%s/%s%s%s", cli->url.host, cli->url.share, *path ? "/" : "", path);

	for (char *p = text; p && *p; p++)
		if (*p == '\\')
			*p = '/';
	return text;
}

int cli_fail(const struct cli *cli, const char *path, const char *what, ntstatus_t status)
{
	char *where = display(cli, path);

	cli_error("%s: %s%s%s", where ? where : path, what ? what : "", what ? ": " : "", cli_reason(status));
	talloc_free(where);
	return CLI_FAILED;
}

int cli_mount(struct cli *cli, const char *url)
{
	ntstatus_t status;

	if (!daxsmb_url_parse(cli, url, &cli->url)) {
		cli_error("\"%s\" is not of the form //host[:port]/share[/path]", url);
		return CLI_USAGE;
	}
	if (!*cli->url.share) {
		cli_error("\"%s\" names no share", url);
		return CLI_USAGE;
	}
	if (!cli_password(cli))
		return CLI_USAGE;
	status = daxsmb_mount(
		cli, cli->ev, cli->url.host, cli->url.port, cli->url.share, &cli->options, &cli->m);
	if (status_is_ok(status))
		return 0;
	cli_fail(cli, "", cli->m.stage, status);
	return CLI_NO_CONNECTION;
}

struct remote_walk {
	struct remote_entry *list;
	size_t count;
	bool short_of_memory;
};

static bool remote_collect(void *arg, const struct dir_entry_facts *e)
{
	struct remote_walk *walk = arg;
	size_t room = talloc_array_length(walk->list);
	struct remote_entry *entry;

	if (walk->count == room) {
		struct remote_entry *more = talloc_realloc(NULL, walk->list, struct remote_entry, room * 2);

		walk->short_of_memory = !more;
		if (!more)
			return false;
		walk->list = more;
	}
	entry = &walk->list[walk->count];
	entry->facts = *e;
	entry->name = entry->facts.name = talloc_strdup(walk->list, e->name);
	entry->facts.short_name = NULL;
	walk->short_of_memory = !entry->name;
	walk->count += entry->name != NULL;
	return !walk->short_of_memory;
}

ntstatus_t remote_list(TALLOC_CTX *mem, struct cli *cli, const char *dir, const char *pattern,
	struct remote_entry **out, size_t *count)
{
	struct smb2_create_req q = {
		.impersonation_level = 2,
		.desired_access = FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DIRECTORY_FILE,
	};
	struct remote_walk walk = {.list = talloc_array(mem, struct remote_entry, 64)};
	struct smb2_create_rsp p;
	ntstatus_t status =
		walk.list ? daxsmb_open(cli->ev, cli->m.tree, dir, &q, &p) : (ntstatus_t)STATUS_NO_MEMORY;

	if (status_is_ok(status)) {
		status = daxsmb_list(cli->ev, cli->m.tree, p.file_id, pattern, remote_collect, &walk);
		daxsmb_close(cli->ev, cli->m.tree, p.file_id);
	}
	if (walk.short_of_memory)
		status = STATUS_NO_MEMORY;
	*out = walk.list;
	*count = walk.count;
	return status;
}

bool remote_is_directory(const struct remote_entry *e)
{
	return e->facts.attributes & FILE_ATTRIBUTE_DIRECTORY;
}
