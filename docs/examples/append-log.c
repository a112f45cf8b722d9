/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A log in remote persistent memory, to which lines are appended. A line is in the log once its number has been
 * printed, and survives what the level says that is printed at the beginning, whoever takes the file away
 * meanwhile, and whichever side dies. README.md tells how to build and try it.
 *
 *   append-log URL RDMA-PORT USER       appends the lines of standard input, and prints the number of each
 *                                       when it is safe. Longer ones than 4095 bytes become several
 *   append-log URL RDMA-PORT USER list  prints what is in the log
 *
 * The password is in $PASSWD. One program appends to a log at a time; any number may list it.
 *
 * The file has a fixed size and is zero at first. A record is a header and a line, and begins at a multiple of
 * 8. Nothing says where the log ends: the first record whose number or sum is not right is not there. So a
 * record that was cut off by a crash is not seen, and no pointer has to be written behind it.
 */
#include "client/daxsmb_pmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAPACITY = 1 << 20, MAX_LINE = 4096 };

struct record {
	uint64_t sum; /* of all that follows */
	uint64_t number;
	uint64_t length;
	char line[MAX_LINE];
};

enum { RECORD_HEADER = offsetof(struct record, line) };

struct log {
	struct tevent_context *ev;
	struct daxsmb_mount m;
	struct daxsmb_direct *direct;
	struct daxsmb_file *file;
	struct daxsmb_region *region;
	uint64_t end, next;
};

static void must(ntstatus_t status, const char *what)
{
	if (status_is_ok(status))
		return;
	fprintf(stderr, "append-log: %s: %s\n", what, status_name(status));
	exit(1);
}

static void be_there(const void *memory)
{
	must(memory ? STATUS_SUCCESS : STATUS_NO_MEMORY, "memory");
}

/* FNV-1a. */
static uint64_t sum_of(const struct record *r)
{
	const uint8_t *p = (const uint8_t *)&r->number, *end = (const uint8_t *)r->line + r->length;
	uint64_t sum = 0xcbf29ce484222325;

	while (p < end)
		sum = (sum ^ *p++) * 0x100000001b3;
	return sum;
}

static uint64_t room_of(const struct record *r)
{
	return (RECORD_HEADER + r->length + 7) & ~(uint64_t)7;
}

/* The program's own events: a revocation costs time and nothing else. */
static void told(void *arg, struct daxsmb_region *r, enum daxsmb_region_event e)
{
	static const char *const words[] = {"revoked", "connection lost", "mapped"};

	fprintf(stderr, "append-log: %s\n", words[e]);
}

static void set_size(struct log *l, uint64_t size)
{
	uint64_t wire = htole64(size);
	struct smb2_set_info_req q = {.info_type = SMB2_0_INFO_FILE,
		.info_class = FileEndOfFileInformation,
		.file_id = daxsmb_file_id(l->file),
		.input = BYTES((const uint8_t *)&wire, sizeof(wire))};
	struct tevent_req *req = daxsmb_set_info_send(l->direct, l->ev, l->m.tree, &q);

	be_there(req);
	if (!tevent_req_poll(req, l->ev))
		must(STATUS_UNSUCCESSFUL, "wait");
	must(daxsmb_set_info_recv(req, NULL), "size");
	talloc_free(req);
}

/* What is only read is not made, and mapped for reading: that takes it from nobody but who writes. */
static void log_map(struct log *l, const char *path, bool append)
{
	const uint32_t access = PMEM_ACCESS_READ | (append ? PMEM_ACCESS_WRITE : 0);
	struct smb2_create_req q = {
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES | (append ? FILE_WRITE_DATA : 0),
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.create_disposition = append ? FILE_OPEN_IF : FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};

	must(daxsmb_file_open(l->direct, path, &q, access, &l->file), "open");
	if (append && daxsmb_file_size(l->file) < CAPACITY)
		set_size(l, CAPACITY);
	must(daxsmb_map(l->file, 0, CAPACITY, access, &l->region), "map");
}

/* tree > direct > file > region: what is on the right goes with what is on the left. */
static void log_open(struct log *l, const char *text, uint16_t rdma_port, const char *user, bool append)
{
	struct daxsmb_options o = {.user = user, .password = getenv("PASSWD")};
	struct daxsmb_region_facts facts;
	struct daxsmb_url url;
	ntstatus_t status;

	l->ev = tevent_context_init(NULL);
	be_there(l->ev);
	if (!daxsmb_url_parse(l->ev, text, &url) || !*url.path)
		must(STATUS_INVALID_PARAMETER, text);
	status = daxsmb_mount(l->ev, l->ev, url.host, url.port, url.share, &o, &l->m);
	must(status, l->m.stage);
	l->direct = daxsmb_direct_new(l->m.tree, l->ev, url.host, rdma_port, &o);
	be_there(l->direct);
	log_map(l, url.path, append);
	daxsmb_region_watch(l->region, told, NULL);
	daxsmb_region_facts(l->region, &facts);
	fprintf(stderr, "append-log: %s, level %s, guard %s\n", facts.direct ? "mapped" : "not mapped yet",
		daxsmb_durability_name(facts.durability), daxsmb_guard_name(facts.guard));
}

/* The record at l->end, if there is one. */
static bool log_read(struct log *l, struct record *r)
{
	if (l->end > CAPACITY - RECORD_HEADER)
		return false;
	must(daxsmb_region_read(l->region, l->end, r, RECORD_HEADER), "read");
	if (r->number != l->next || r->length > MAX_LINE || r->length > CAPACITY - RECORD_HEADER - l->end)
		return false;
	must(daxsmb_region_read(l->region, l->end + RECORD_HEADER, r->line, r->length), "read");
	return sum_of(r) == r->sum;
}

/* To the end of the log. */
static void log_scan(struct log *l, bool print)
{
	struct record r;

	for (l->next = 1; log_read(l, &r); l->next++) {
		if (print)
			printf("%llu %.*s\n", (unsigned long long)r.number, (int)r.length, r.line);
		l->end += room_of(&r);
	}
}

static void log_append(struct log *l, const char *line, size_t length)
{
	struct record r = {.number = l->next, .length = length};
	ntstatus_t status;

	memcpy(r.line, line, length);
	r.sum = sum_of(&r);
	if (l->end > CAPACITY - room_of(&r))
		must(STATUS_DISK_FULL, "append");
	do {
		must(daxsmb_region_write(l->region, l->end, &r, RECORD_HEADER + length), "write");
		status = daxsmb_region_commit(l->region);
		/* Whether what was written is there went with the RDMA connection: it is written again. */
	} while (status == (ntstatus_t)STATUS_LOST_WRITEBEHIND_DATA);
	must(status, "commit");
	l->end += room_of(&r);
	printf("%llu\n", (unsigned long long)l->next++);
	fflush(stdout);
}

static void readable(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	*(bool *)arg = true;
}

/* The event loop runs while there is nothing to append: so the mapping is given back to who asks for it. */
static bool log_next_line(struct log *l, char *line)
{
	bool there = false;
	struct tevent_fd *fde;
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == 0 && !S_ISREG(st.st_mode)) {
		fde = tevent_add_fd(l->ev, l->ev, STDIN_FILENO, TEVENT_FD_READ, readable, &there);
		while (fde && !there && tevent_loop_once(l->ev) == 0)
			;
		talloc_free(fde);
	}
	return fgets(line, MAX_LINE, stdin);
}

int main(int argc, char **argv)
{
	const bool append = argc == 4;
	struct log l = {0};
	char line[MAX_LINE];

	if (!append && (argc != 5 || strcmp(argv[4], "list") != 0)) {
		fprintf(stderr, "usage: append-log URL RDMA-PORT USER [list]\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	log_open(&l, argv[1], (uint16_t)atoi(argv[2]), argv[3], append);
	log_scan(&l, !append);
	while (append && log_next_line(&l, line))
		log_append(&l, line, strcspn(line, "\n"));
	must(daxsmb_file_close(l.file), "close");
	daxsmb_unmount(l.ev, &l.m);
	talloc_free(l.ev);
	return 0;
}
