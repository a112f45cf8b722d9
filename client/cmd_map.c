/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/direct_copy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPT_OFFSET = 1000, OPT_LENGTH, OPT_WRITE };

struct map_options {
	uint64_t offset, length;
	bool write;
};

static bool take_option(struct cli *cli, int code, const char *value)
{
	struct map_options *o = cli->extra;

	switch (code) {
	case OPT_OFFSET:
		return strcmp(value, "0") == 0 || cli_size(value, &o->offset);
	case OPT_LENGTH:
		return cli_size(value, &o->length);
	case OPT_WRITE:
		return o->write = true;
	}
	return false;
}

static const struct option options[] = {
	{"offset", required_argument, NULL, OPT_OFFSET},
	{"length", required_argument, NULL, OPT_LENGTH},
	{"write", no_argument, NULL, OPT_WRITE},
	{0},
};

static void say_mapping(struct daxsmb_region *r)
{
	struct daxsmb_region_facts f;

	daxsmb_region_facts(r, &f);
	if (!f.direct) {
		cli_error("others use the file: over SMB until it can be mapped");
		return;
	}
	cli_error("mapped %llu bytes at %llu for %s: level %s, guard %s, descriptors %u, given back within "
		  "%u ms",
		(unsigned long long)f.length, (unsigned long long)f.offset,
		f.access & PMEM_ACCESS_WRITE ? "writing" : "reading", daxsmb_durability_name(f.durability),
		daxsmb_guard_name(f.guard), f.descriptors, f.revoke_timeout);
}

static void say_event(void *arg, struct daxsmb_region *r, enum daxsmb_region_event e)
{
	static const char *const words[] = {
		[DAXSMB_REGION_REVOKED] = "revoked", [DAXSMB_REGION_LOST] = "connection lost"};

	if (e == DAXSMB_REGION_MAPPED)
		say_mapping(r);
	else
		cli_error("%s", words[e]);
}

static void say_end(struct daxsmb_region *r)
{
	struct daxsmb_region_facts f;

	daxsmb_region_facts(r, &f);
	cli_error("%llu bytes by RDMA, %llu over SMB, %u revocations, %u connections lost",
		(unsigned long long)f.bytes_direct, (unsigned long long)f.bytes_smb, f.revocations, f.losses);
}

/* What is to be mapped for writing is made if need be. */
static ntstatus_t choose_range(struct cli *cli, struct daxsmb_file *f, struct map_options *o)
{
	uint64_t size = daxsmb_file_size(f);

	if (o->length == 0)
		o->length = size > o->offset ? size - o->offset : 0;
	if (o->length > INT64_MAX || o->offset > INT64_MAX - o->length)
		return STATUS_INVALID_VIEW_SIZE;
	if (o->write && size < o->offset + o->length)
		return direct_set_size(cli, f, o->offset + o->length);
	return STATUS_SUCCESS;
}

static int move(struct cli *cli, struct daxsmb_region *r, bool write)
{
	struct direct_copy c = {.cli = cli, .region = r, .fd = write ? STDIN_FILENO : STDOUT_FILENO};
	ntstatus_t status;

	daxsmb_region_watch(r, say_event, NULL);
	say_mapping(r);
	status = write ? direct_copy_in(&c) : direct_copy_out(&c);
	say_end(r);
	if (c.local) {
		cli_error("standard %s: %s", write ? "input" : "output", strerror(-c.local));
		return CLI_FAILED;
	}
	return status_is_ok(status) ? CLI_OK : cli_fail(cli, cli->url.path, write ? "write" : "read", status);
}

static int map_file(struct cli *cli, struct daxsmb_direct *d)
{
	struct map_options *o = cli->extra;
	uint32_t access = PMEM_ACCESS_READ | (o->write ? PMEM_ACCESS_WRITE : 0);
	struct smb2_create_req q = {
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES | (o->write ? FILE_WRITE_DATA : 0),
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.create_disposition = o->write ? FILE_OPEN_IF : FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct daxsmb_file *f;
	struct daxsmb_region *r;
	ntstatus_t status = daxsmb_file_open(d, cli->url.path, &q, access, &f);
	int code;

	if (!status_is_ok(status))
		return cli_fail(cli, cli->url.path, "open", status);
	status = choose_range(cli, f, o);
	if (status_is_ok(status))
		status = daxsmb_map(f, o->offset, o->length, access, &r);
	if (!status_is_ok(status)) {
		daxsmb_file_close(f);
		if (o->length == 0)
			cli_error("the file has no byte at %llu to map; say how many with --length", (unsigned long long)o->offset);
		return cli_fail(cli, cli->url.path, "map", status);
	}
	code = move(cli, r, o->write);
	status = daxsmb_unmap(r);
	if (status_is_ok(status))
		status = daxsmb_file_close(f);
	return status_is_ok(status) || code ? code : cli_fail(cli, cli->url.path, "close", status);
}

static int run_map(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);
	struct daxsmb_direct *d;

	if (code)
		return code;
	d = cli_direct(cli);
	if (!d)
		return cli_fail(cli, cli->url.path, NULL, STATUS_NO_MEMORY);
	return map_file(cli, d);
}

const struct command command_map = {
	.name = "map",
	.operands = "URL",
	.summary = "read or write a file in memory that it is mapped to",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_map,
	.options = options,
	.take = take_option,
	.extra_size = sizeof(struct map_options),
	.options_help =
		"      --offset=SIZE          where in the file (default 0)\n"
		"      --length=SIZE          bytes (default: to the end)\n"
		"      --write                standard input to the file; else the file to standard output\n",
};
