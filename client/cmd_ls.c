/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"
#include "client/format.h"
#include "client/path.h"

#include <stdio.h>
#include <stdlib.h>

static void print_entry(const struct cli *cli, const char *prefix, const struct remote_entry *e)
{
	char attributes[ATTRIBUTES_TEXT], when[TIME_TEXT];

	if (cli->long_listing) {
		client_format_attributes(e->facts.attributes, attributes);
		client_format_time(e->facts.last_write_time, when);
		printf("%s %12llu %s ", attributes, (unsigned long long)e->facts.end_of_file, when);
	}
	for (const char *p = prefix; *p; p++)
		putchar(*p == '\\' ? '/' : *p);
	if (*prefix)
		putchar('/');
	client_format_name(stdout, e->name);
	printf("%s\n", remote_is_directory(e) ? "/" : "");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct remote_entry *)a)->name, ((const struct remote_entry *)b)->name);
}

static int list(struct cli *cli, const char *dir, const char *pattern, const char *prefix)
{
	struct remote_entry *entries;
	size_t count;
	ntstatus_t status = remote_list(cli, cli, dir, pattern, &entries, &count);
	int code = status_is_ok(status) ? CLI_OK : cli_fail(cli, dir, "list", status);

	if (count)
		qsort(entries, count, sizeof(*entries), by_name);
	for (size_t i = 0; i < count; i++) {
		print_entry(cli, prefix, &entries[i]);
		if (!cli->recursive || !remote_is_directory(&entries[i]))
			continue;
		char *below = client_path_join(entries, dir, entries[i].name);
		char *shown = client_path_join(entries, prefix, entries[i].name);
		int one = below && shown ? list(cli, below, "*", shown) : CLI_FAILED;

		code = one != CLI_OK ? one : code;
	}
	talloc_free(entries);
	return code;
}

/* dir and pattern of a path whose last name has wildcards. */
static bool split_pattern(struct cli *cli, char **dir, const char **pattern)
{
	const char *last = client_path_last(cli->url.path);

	if (!strpbrk(last, "*?"))
		return false;
	*pattern = last;
	*dir = talloc_strndup(cli, cli->url.path, (size_t)(last - cli->url.path));
	return *dir != NULL;
}

static int run_ls(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);
	struct file_facts facts = {0};
	struct remote_entry e = {0};
	const char *pattern;
	ntstatus_t status;
	char *dir;

	if (code)
		return code;
	if (split_pattern(cli, &dir, &pattern))
		return list(cli, dir, pattern, "");
	status = daxsmb_stat(cli, cli->ev, cli->m.tree, cli->url.path, &facts);
	if (!status_is_ok(status))
		return cli_fail(cli, cli->url.path, NULL, status);
	if (facts.directory)
		return list(cli, cli->url.path, "*", "");
	e.name = client_path_last(cli->url.path);
	e.facts.attributes = facts.attributes;
	e.facts.end_of_file = facts.end_of_file;
	e.facts.last_write_time = facts.last_write_time;
	print_entry(cli, "", &e);
	return CLI_OK;
}

const struct command command_ls = {
	.name = "ls",
	.operands = "URL",
	.summary = "list a directory; the last name may have * and ?",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_ls,
};
