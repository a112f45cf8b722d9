/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"
#include "client/format.h"

#include <stdio.h>

static void print_time(const char *label, uint64_t nttime)
{
	char text[TIME_TEXT];

	client_format_time(nttime, text);
	printf("%-12s %s\n", label, text);
}

static int run_stat(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);
	char attributes[ATTRIBUTES_TEXT];
	struct file_facts f = {0};
	ntstatus_t status;

	if (code)
		return code;
	status = daxsmb_stat(cli, cli->ev, cli->m.tree, cli->url.path, &f);
	if (!status_is_ok(status))
		return cli_fail(cli, cli->url.path, NULL, status);
	client_format_attributes(f.attributes, attributes);
	printf("%-12s ", "name");
	client_format_name(stdout, f.name ? f.name : "");
	printf("\n%-12s %s\n", "type", f.directory ? "directory" : "file");
	printf("%-12s %llu\n", "size", (unsigned long long)f.end_of_file);
	printf("%-12s %llu\n", "allocated", (unsigned long long)f.allocation_size);
	printf("%-12s %s (0x%08x)\n", "attributes", attributes, f.attributes);
	printf("%-12s %u\n", "links", f.number_of_links);
	printf("%-12s %llu\n", "file id", (unsigned long long)f.file_id);
	print_time("created", f.creation_time);
	print_time("accessed", f.last_access_time);
	print_time("written", f.last_write_time);
	print_time("changed", f.change_time);
	return CLI_OK;
}

const struct command command_stat = {
	.name = "stat",
	.operands = "URL",
	.summary = "show what the server knows of a file",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_stat,
};
