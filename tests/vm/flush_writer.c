/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writes and flushes until the server is gone, and logs what the server has acknowledged; then, in another run, checks that
 * all of it is in the files.
 *
 * A writer fills slots of files, again and again in any order, so that files grow, have holes and are overwritten. Each word
 * of 8 bytes says which write it is of, so that a write that nobody has acknowledged may be there in any part:
 *   bits 0-19 its index in the slot, 20-31 the slot, 32-39 the file's number, 40-63 the sequence number of the write.
 * All writes of a writer are made durable in the same way, for what makes one client's writes durable may well do so for the
 * others': by FLUSH, by WRITE_THROUGH, or through a grant, by a Read behind the Writes or by FSCTL_PMEM_COMMIT.
 * A line of the log: NAME FILE SLOT SEQUENCE WORDS. It is written once that has succeeded.
 */
#include "client/pmem.h"
#include "core/random.h"
#include "wire/smb2.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS = 64, MOST_WORDS = 4096, BATCH = 3, ROUNDS_OF_A_FILE = 64, IMPERSONATION = 2 };

static uint64_t word(unsigned sequence, unsigned file, unsigned slot, unsigned index)
{
	return (uint64_t)sequence << 40 | (uint64_t)(file & 0xff) << 32 | (uint64_t)slot << 20 | index;
}

struct writer;

/* How a writer writes, and what makes it durable. */
struct way {
	const char *name;
	ntstatus_t (*open)(struct writer *w, const char *path, const struct smb2_create_req *q);
	ntstatus_t (*write)(struct writer *w, uint64_t offset, size_t len);
	ntstatus_t (*settle)(struct writer *w); /* NULL: nothing is left to do */
	ntstatus_t (*close)(struct writer *w);
	uint32_t write_flags;
};

struct writer {
	struct tevent_context *ev;
	struct daxsmb_mount m;
	struct daxsmb_direct *direct;
	struct daxsmb_file *granted;
	struct daxsmb_region *region;
	const struct way *way;
	const char *name;
	int log;
	struct smb2_file_id id;
	unsigned file, words, sequence;
	uint64_t data[MOST_WORDS];
};

/* ---- by SMB ---- */

static ntstatus_t smb_open(struct writer *w, const char *path, const struct smb2_create_req *q)
{
	struct smb2_create_rsp p;
	ntstatus_t status = daxsmb_open(w->ev, w->m.tree, path, q, &p);

	w->id = p.file_id;
	return status;
}

static ntstatus_t smb_write(struct writer *w, uint64_t offset, size_t len)
{
	struct smb2_write_rsp p = {0};
	struct smb2_write_req q = {.file_id = w->id,
		.offset = offset,
		.flags = w->way->write_flags,
		.data = BYTES(w->data, len)};
	struct tevent_req *req = daxsmb_write_send(w->ev, w->ev, w->m.tree, &q);
	ntstatus_t status = STATUS_NO_MEMORY;
	if (req && tevent_req_poll(req, w->ev))
		status = daxsmb_write_recv(req, &p);
	talloc_free(req);
	if (status_is_ok(status) && p.count != len)
		status = STATUS_UNSUCCESSFUL;
	return status;
}

static ntstatus_t smb_flush(struct writer *w)
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

static ntstatus_t smb_close(struct writer *w)
{
	return daxsmb_close(w->ev, w->m.tree, w->id);
}

/* ---- through a grant ---- */

static ntstatus_t set_size(struct writer *w, uint64_t size)
{
	uint64_t wire = htole64(size);
	struct smb2_set_info_req q = {.info_type = SMB2_0_INFO_FILE,
		.info_class = FileEndOfFileInformation,
		.file_id = daxsmb_file_id(w->granted),
		.input = BYTES((const uint8_t *)&wire, sizeof(wire))};
	struct tevent_req *req = daxsmb_set_info_send(w->ev, w->ev, w->m.tree, &q);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (req && tevent_req_poll(req, w->ev))
		status = daxsmb_set_info_recv(req, NULL);
	talloc_free(req);
	return status;
}

/* A region also works without a grant: then it is no test of one. */
static ntstatus_t must_be_granted(const struct writer *w)
{
	struct daxsmb_region_facts facts;

	daxsmb_region_facts(w->region, &facts);
	return facts.direct && !facts.bytes_smb ? STATUS_SUCCESS : STATUS_CANNOT_GRANT_REQUESTED_OPLOCK;
}

static ntstatus_t grant_open(struct writer *w, const char *path, const struct smb2_create_req *q)
{
	const uint32_t access = PMEM_ACCESS_READ | PMEM_ACCESS_WRITE;
	uint64_t size = (uint64_t)SLOTS * w->words * 8;
	ntstatus_t status = daxsmb_file_open(w->direct, path, q, access, &w->granted);

	if (status_is_ok(status))
		status = set_size(w, size);
	if (status_is_ok(status))
		status = daxsmb_map(w->granted, 0, size, access, &w->region);
	return status_is_ok(status) ? must_be_granted(w) : status;
}

static ntstatus_t grant_write(struct writer *w, uint64_t offset, size_t len)
{
	return daxsmb_region_write(w->region, offset, w->data, len);
}

static ntstatus_t grant_commit(struct writer *w)
{
	ntstatus_t status = daxsmb_region_commit(w->region);

	return status_is_ok(status) ? must_be_granted(w) : status;
}

/* On the connection of the Writes: they have arrived before it. */
static ntstatus_t grant_commit_by_fsctl(struct writer *w)
{
	uint8_t buf[PMEM_COMMIT_REQ_FIXED_SIZE];
	struct wr input = wr_over(buf, sizeof(buf));
	struct smb2_ioctl_req q = {.ctl_code = FSCTL_PMEM_COMMIT,
		.file_id = daxsmb_file_id(w->granted),
		.flags = SMB2_IOCTL_IS_FSCTL,
		.max_output_response = PMEM_COMMIT_RSP_SIZE};
	struct smb2_ioctl_rsp p;
	ntstatus_t status = must_be_granted(w);

	if (!w->direct->on_channel)
		return STATUS_CONNECTION_DISCONNECTED;
	if (!status_is_ok(status))
		return status;
	pmem_commit_req_encode(
		&input, &(struct pmem_commit_req){.version = PMEM_VERSION, .grant_id = w->region->map.grant_id});
	q.input = BYTES(buf, input.pos);
	struct tevent_req *req = daxsmb_ioctl_send(w->ev, w->ev, w->direct->on_channel, &q);
	status = STATUS_NO_MEMORY;
	if (req && tevent_req_poll(req, w->ev))
		status = daxsmb_ioctl_recv(req, &p);
	talloc_free(req);
	return status;
}

static ntstatus_t grant_close(struct writer *w)
{
	ntstatus_t status = daxsmb_unmap(w->region);

	return status_is_ok(status) ? daxsmb_file_close(w->granted) : status;
}

static const struct way ways[] = {
	{"flush", smb_open, smb_write, smb_flush, smb_close, 0},
	{"through", smb_open, smb_write, NULL, smb_close, SMB2_WRITEFLAG_WRITE_THROUGH},
	{"commit", grant_open, grant_write, grant_commit, grant_close, 0},
	{"fsctl", grant_open, grant_write, grant_commit_by_fsctl, grant_close, 0},
};

static const struct way *way_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	return NULL;
}

/* ---- files, slots and the log ---- */

/* Another file, with slots of another size. */
static ntstatus_t open_next(struct writer *w)
{
	char path[64];
	struct smb2_create_req q = {.impersonation_level = IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_CREATE,
		.create_options = FILE_NON_DIRECTORY_FILE};

	snprintf(path, sizeof(path), "%s.%u", w->name, ++w->file);
	w->words = 1 + (unsigned)random_u64() % MOST_WORDS;
	return w->way->open(w, path, &q);
}

static ntstatus_t write_slot(struct writer *w, unsigned slot)
{
	size_t len = (size_t)w->words * 8;

	w->sequence++;
	for (unsigned i = 0; i < w->words; i++)
		w->data[i] = htole64(word(w->sequence, w->file, slot, i));
	return w->way->write(w, slot * len, len);
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

/* Some writes, and what makes them durable if they are not yet. */
static ntstatus_t round_of_writes(struct writer *w)
{
	unsigned slots[BATCH], n = 1 + (unsigned)random_u64() % BATCH, first = (unsigned)random_u64() % SLOTS;
	ntstatus_t status = STATUS_SUCCESS;

	for (unsigned i = 0; i < n && status_is_ok(status); i++) {
		slots[i] = (first + i) % SLOTS; /* none twice: the first line would be a lie */
		status = write_slot(w, slots[i]);
	}
	if (status_is_ok(status) && w->way->settle)
		status = w->way->settle(w);
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
			status = w->way->close(w);
		if (!status_is_ok(status))
			return status;
	}
}

/* HOST[:PORT:RDMA-PORT] */
struct place {
	char host[64];
	unsigned port, rdma_port;
};

static bool place_parse(const char *text, struct place *out)
{
	int n = sscanf(text, "%63[^:]:%u:%u", out->host, &out->port, &out->rdma_port);

	return (n == 1 || n == 3) && out->port <= UINT16_MAX && out->rdma_port <= UINT16_MAX;
}

static ntstatus_t mount_share(struct writer *w, char **argv)
{
	struct daxsmb_options o = {.user = argv[4], .password = argv[5],
		.via = strcmp(argv[1], "smbdirect") == 0 ? DAXSMB_VIA_SMBDIRECT : DAXSMB_VIA_TCP};
	struct place at = {.port = 0};

	if (!place_parse(argv[2], &at))
		return STATUS_INVALID_PARAMETER;
	uint16_t port = (uint16_t)(o.via == DAXSMB_VIA_TCP ? at.port : at.rdma_port);
	ntstatus_t status = daxsmb_mount(w, w->ev, at.host, port, argv[3], &o, &w->m);
	if (status_is_ok(status))
		w->direct = daxsmb_direct_new(w->m.tree, w->ev, at.host, (uint16_t)at.rdma_port, &o);
	return status_is_ok(status) && !w->direct ? STATUS_NO_MEMORY : status;
}

/* That the connection of the grants has ended says nothing of the server. */
static bool server_is_gone(struct writer *w)
{
	struct tevent_req *req = daxsmb_echo_send(w->ev, w->ev, w->m.conn);
	bool answers = req && tevent_req_poll(req, w->ev) && status_is_ok(daxsmb_simple_recv(req));

	talloc_free(req);
	return !answers;
}

/* 0: the server has gone, as it was meant to. */
static int run_writer(char **argv)
{
	struct writer *w = talloc_zero(NULL, struct writer);

	w->ev = tevent_context_init(w);
	w->way = way_named(argv[0]);
	w->name = argv[6];
	if (!w->way) {
		fprintf(stderr, "flush_writer: no way to write: %s\n", argv[0]);
		return 2;
	}
	w->log = open(argv[7], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (w->log < 0) {
		perror(argv[7]);
		return 2;
	}
	ntstatus_t status = mount_share(w, argv);
	if (!status_is_ok(status)) {
		fprintf(stderr, "flush_writer: %s: %s\n", w->m.stage ? w->m.stage : argv[2], status_name(status));
		return 1;
	}
	status = write_files(w);
	bool gone = server_is_gone(w);
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
	fprintf(stderr, "usage: flush_writer write flush|through|commit|fsctl tcp|smbdirect HOST[:PORT:RDMA-PORT] SHARE USER PASSWORD "
			"NAME LOG\n"
			"       flush_writer check FOLDER LOG\n");
	return 2;
}
