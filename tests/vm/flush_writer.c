/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writes and flushes until the server is gone, and logs what the server has acknowledged; then, in another run, checks that
 * all of it is in the files.
 *
 * A writer fills slots of files, again and again in any order, so that files grow, have holes and are overwritten. Each word
 * of 8 bytes says which write it is of, so that a write that nobody has acknowledged may be there in any part:
 *   bits 0-19 its index in the slot, 20-31 the slot, 32-39 the file's number, 40-63 the sequence number of the write.
 * Either each write is flushed, or each is WRITE_THROUGH: what makes one client's writes durable may well do so for the others'.
 * A line of the log: NAME FILE SLOT SEQUENCE WORDS. It is written once FLUSH, or a WRITE with WRITE_THROUGH, has succeeded.
 */
#include "client/daxsmb.h"
#include "core/random.h"
#include "wire/smb2.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS = 64, MOST_WORDS = 4096, BATCH = 3, ROUNDS_OF_A_FILE = 32, IMPERSONATION = 2 };

static uint64_t word(unsigned sequence, unsigned file, unsigned slot, unsigned index)
{
	return (uint64_t)sequence << 40 | (uint64_t)(file & 0xff) << 32 | (uint64_t)slot << 20 | index;
}

struct writer {
	struct tevent_context *ev;
	struct daxsmb_mount m;
	const char *name;
	int log;
	struct smb2_file_id id;
	unsigned file, words, sequence;
	bool through;
	uint64_t data[MOST_WORDS];
};

/* Another file, with slots of another size. */
static ntstatus_t open_next(struct writer *w)
{
	char path[64];
	struct smb2_create_rsp p;
	struct smb2_create_req q = {.impersonation_level = IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_CREATE,
		.create_options = FILE_NON_DIRECTORY_FILE};

	snprintf(path, sizeof(path), "%s.%u", w->name, ++w->file);
	ntstatus_t status = daxsmb_open(w->ev, w->m.tree, path, &q, &p);
	w->id = p.file_id;
	w->words = 1 + (unsigned)random_u64() % MOST_WORDS;
	return status;
}

static ntstatus_t write_slot(struct writer *w, unsigned slot)
{
	struct smb2_write_rsp p = {0};
	struct smb2_write_req q = {.file_id = w->id,
		.offset = (uint64_t)slot * w->words * 8,
		.flags = w->through ? SMB2_WRITEFLAG_WRITE_THROUGH : 0,
		.data = BYTES(w->data, (size_t)w->words * 8)};

	w->sequence++;
	for (unsigned i = 0; i < w->words; i++)
		w->data[i] = htole64(word(w->sequence, w->file, slot, i));
	struct tevent_req *req = daxsmb_write_send(w->ev, w->ev, w->m.tree, &q);
	ntstatus_t status = STATUS_NO_MEMORY;
	if (req && tevent_req_poll(req, w->ev))
		status = daxsmb_write_recv(req, &p);
	talloc_free(req);
	if (status_is_ok(status) && p.count != w->words * 8)
		status = STATUS_UNSUCCESSFUL;
	return status;
}

static ntstatus_t flush(struct writer *w)
{
	struct smb2_flush_req q = {.file_id = w->id};
	struct smb2_empty p;
	struct tevent_req *req = daxsmb_flush_send(w->ev, w->ev, w->m.tree, &q);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (req && tevent_req_poll(req, w->ev))
		status = daxsmb_flush_recv(req, &p);
	talloc_free(req);
	return status;
}

static void acknowledge(struct writer *w, const unsigned *slots, unsigned n)
{
	char lines[BATCH * 96];
	int len = 0;

	for (unsigned i = 0; i < n; i++)
		len += snprintf(lines + len, sizeof(lines) - (size_t)len, "%s %u %u %u %u\n", w->name, w->file, slots[i],
			w->sequence - n + 1 + i, w->words);
	if (write(w->log, lines, (size_t)len) != len) {
		perror("log");
		exit(2);
	}
}

/* Some WRITEs and their FLUSH, or WRITEs that need none. */
static ntstatus_t round_of_writes(struct writer *w)
{
	unsigned slots[BATCH], n = 1 + (unsigned)random_u64() % BATCH, first = (unsigned)random_u64() % SLOTS;
	ntstatus_t status = STATUS_SUCCESS;

	for (unsigned i = 0; i < n && status_is_ok(status); i++) {
		slots[i] = (first + i) % SLOTS; /* none twice: the first line would be a lie */
		status = write_slot(w, slots[i]);
	}
	if (status_is_ok(status) && !w->through)
		status = flush(w);
	if (status_is_ok(status))
		acknowledge(w, slots, n);
	return status;
}

static ntstatus_t write_files(struct writer *w)
{
	for (;;) {
		ntstatus_t status = open_next(w);
		for (unsigned i = 0; i < ROUNDS_OF_A_FILE && status_is_ok(status); i++)
			status = round_of_writes(w);
		if (status_is_ok(status))
			status = daxsmb_close(w->ev, w->m.tree, w->id);
		if (!status_is_ok(status))
			return status;
	}
}

/* 0: the server has gone, as it was meant to. */
static int run_writer(char **argv)
{
	struct writer *w = talloc_zero(NULL, struct writer);
	struct daxsmb_options o = {.user = argv[4], .password = argv[5],
		.via = strcmp(argv[1], "smbdirect") == 0 ? DAXSMB_VIA_SMBDIRECT : DAXSMB_VIA_TCP};

	w->ev = tevent_context_init(w);
	w->through = strcmp(argv[0], "through") == 0;
	w->name = argv[6];
	w->log = open(argv[7], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (w->log < 0) {
		perror(argv[7]);
		return 2;
	}
	ntstatus_t status = daxsmb_mount(w, w->ev, argv[2], 0, argv[3], &o, &w->m);
	if (!status_is_ok(status)) {
		fprintf(stderr, "flush_writer: %s: %s\n", w->m.stage, status_name(status));
		return 1;
	}
	status = write_files(w);
	bool gone = !status_is_ok(daxsmb_conn_status(w->m.conn));
	printf("%s: %u writes, then %s\n", w->name, w->sequence, status_name(status));
	talloc_free(w);
	return gone ? 0 : 1;
}

/* Is this write there, where none that came later is? */
static bool slot_holds(int fd, unsigned file, unsigned slot, unsigned sequence, unsigned words)
{
	static uint64_t data[MOST_WORDS];
	size_t size = (size_t)words * 8;
	ssize_t r = pread(fd, data, size, (off_t)((uint64_t)slot * size));

	if (r != (ssize_t)size) {
		printf("read: %zd of %zu bytes\n", r, size);
		return false;
	}
	for (unsigned i = 0; i < words; i++) {
		uint64_t v = le64toh(data[i]);
		if (v >> 40 < sequence || (v ^ word(sequence, file, slot, i)) << 24) {
			printf("word %u of %u is %016llx\n", i, words, (unsigned long long)v);
			return false;
		}
	}
	return true;
}

static bool line_holds(const char *folder, const char *line)
{
	char name[48], path[4200];
	unsigned file, slot, sequence, words;

	if (sscanf(line, "%40s %u %u %u %u", name, &file, &slot, &sequence, &words) != 5 || !words ||
		words > MOST_WORDS || slot >= SLOTS) {
		printf("no line of a log: %s", line);
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s.%u", folder, name, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		printf("%s: %s\n", path, strerror(errno));
	bool good = fd >= 0 && slot_holds(fd, file, slot, sequence, words);
	if (!good)
		printf("lost: %s", line);
	if (fd >= 0)
		close(fd);
	return good;
}

/* A log without a line is no evidence. */
static int check(const char *folder, const char *log)
{
	char line[256];
	unsigned lines = 0, lost = 0;
	FILE *f = fopen(log, "r");

	if (!f) {
		perror(log);
		return 2;
	}
	/* The last line may be cut short where the machine went. */
	while (fgets(line, sizeof(line), f) && strchr(line, '\n')) {
		lines++;
		lost += !line_holds(folder, line);
	}
	fclose(f);
	printf("%s: %u acknowledged, %u lost\n", log, lines, lost);
	return lines && !lost ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 10 && strcmp(argv[1], "write") == 0)
		return run_writer(argv + 2);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return check(argv[2], argv[3]);
	fprintf(stderr, "usage: flush_writer write flush|through tcp|smbdirect HOST SHARE USER PASSWORD NAME LOG\n"
			"       flush_writer check FOLDER LOG\n");
	return 2;
}
