/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What each operation sends, and when it is done. Fields that are patched: [MS-SMB2] 2.2.15, 2.2.19,
 * 2.2.21, 2.2.33.
 */
#include "client/bench.h"
#include "client/path.h"
#include "wire/utf16.h"

enum {
	IO_OFFSET_AT = SMB2_HEADER_SIZE + 8,
	HANDLE_AT = SMB2_HEADER_SIZE + 8,
	CREATE_NAME_AT = SMB2_HEADER_SIZE + 56,
	DESCRIPTOR_TOKEN_AT = 8, /* [MS-SMBD] 2.2.3.1 */
};
enum { UNIQUE_DIGITS = 16, LIST_OUTPUT = 65536 };
enum { LIST_OPEN, LIST_QUERY, LIST_CLOSE };

static uint64_t next_random(struct bench *b)
{
	/* xorshift64: offsets need no better. */
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

/* For fields inside a template. */
static struct wr part_writer(struct bench_template *t, unsigned part)
{
	struct wr w = wr_over(t->buf + t->part[part].at, t->part[part].size);

	w.pos = w.cap;
	return w;
}

static void patch_handle(struct bench_template *t, struct smb2_file_id id)
{
	struct wr w = part_writer(t, 0);

	wr_patch(&w, HANDLE_AT, id.persistent_id, 8);
	wr_patch(&w, HANDLE_AT + 8, id.volatile_id, 8);
}

static bool answered_ok(struct bench_slot *s, unsigned part, const struct smb2_header *h, struct rd *body)
{
	return status_is_ok(h->status);
}

/* read, write */

static bool build_read(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_read_req q = {.length = (uint32_t)c->bench->size, .file_id = c->file};
	struct bench_template *t = &s->stages[0];
	struct wr w = bench_part(c, t);

	if (c->direct || c->bench->keep)
		s->memory = talloc_size(c->slots, q.length);
	if (bench_direct_lend(s, s->memory, RDMA_REMOTE_WRITE)) {
		q.channel = rdma_buffer_channel(c->m.conn);
		q.channel_info = rdma_buffer_descriptors(s->buffer);
	}
	smb2_read_req_encode(&w, &q);
	return bench_part_done(c, t, &w, SMB2_READ, client_credits_charge(q.length));
}

static bool build_write(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_write_req q = {.length = (uint32_t)c->bench->size, .file_id = c->file};
	struct bench_template *t = &s->stages[0];
	struct wr w = bench_part(c, t);

	if (bench_direct_lend(s, c->bench->payload, RDMA_REMOTE_READ)) {
		q.channel = rdma_buffer_channel(c->m.conn);
		q.channel_info = rdma_buffer_descriptors(s->buffer);
		q.remaining_bytes = q.length;
		q.length = 0;
	} else {
		t->payload = BYTES(c->bench->payload, q.length);
	}
	smb2_write_req_encode(&w, &q);
	return bench_part_done(c, t, &w, SMB2_WRITE, client_credits_charge(c->bench->size));
}

/* The tag of memory that is registered for this time; the descriptor is the end of both requests. */
static void patch_descriptor(struct bench_slot *s, struct wr *w)
{
	const struct bench *b = s->conn->bench;

	if (!bench_direct_lend(s, b->op->writes ? b->payload : s->memory,
		    b->op->writes ? RDMA_REMOTE_READ : RDMA_REMOTE_WRITE)) {
		s->failed = true;
		return;
	}
	wr_patch(w, w->cap - SMBDIRECT_DESCRIPTOR_SIZE + DESCRIPTOR_TOKEN_AT, s->buffer->target.tag, 4);
}

static void patch_io(struct bench_slot *s)
{
	struct bench *b = s->conn->bench;
	struct wr w = part_writer(&s->stages[0], 0);

	wr_patch(&w, IO_OFFSET_AT, next_random(b) % (b->file_size / b->size) * b->size, 8);
	if (s->buffer)
		patch_descriptor(s, &w);
}

/* What went through memory that was lent. */
static uint64_t moved(const struct bench_slot *s)
{
	const struct rdma_target *t = &s->buffer->target;

	return s->conn->bench->op->writes ? t->bytes_read : t->bytes_placed;
}

/* At the same place: DataLength and DataRemaining of a READ, one of them 0; Count of a WRITE, and 0. */
static bool answered_io(struct bench_slot *s, unsigned part, const struct smb2_header *h, struct rd *body)
{
	uint64_t size = s->conn->bench->size;
	uint32_t count;

	rd_skip(body, 4);
	count = rd_u32(body);
	return status_is_ok(h->status) && count + rd_u32(body) == size && (!s->buffer || moved(s) == size);
}

/* commit: a WRITE and a FLUSH */

enum { COMMIT_WRITE, COMMIT_FLUSH };

static bool build_commit(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_flush_req q = {.file_id = c->file};
	struct bench_template *t = &s->stages[COMMIT_FLUSH];
	struct wr w;

	if (!build_write(c, s))
		return false;
	w = bench_part(c, t);
	smb2_flush_req_encode(&w, &q);
	return bench_part_done(c, t, &w, SMB2_FLUSH, 1);
}

static void patch_commit(struct bench_slot *s)
{
	if (s->stage == COMMIT_WRITE)
		patch_io(s);
}

static bool answered_commit(struct bench_slot *s, unsigned part, const struct smb2_header *h, struct rd *body)
{
	return s->stage == COMMIT_WRITE ? answered_io(s, part, h, body) : answered_ok(s, part, h, body);
}

static int next_commit(struct bench_slot *s)
{
	return s->stage == COMMIT_WRITE && !s->failed ? COMMIT_FLUSH : -1;
}

/* stat, open, create */

static bool add_create(
	struct bench_conn *c, struct bench_template *t, const char *name, struct smb2_create_req *q)
{
	char *path = client_path_join(NULL, c->bench->folder, name);
	struct wr w = bench_part(c, t);
	bool ok;

	q->impersonation_level = 2;
	q->share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
	q->name = path ? utf16_from_utf8(path, path) : BYTES(NULL, 0);
	smb2_create_req_encode(&w, q);
	ok = q->name.data && bench_part_done(c, t, &w, SMB2_CREATE, 1);
	talloc_free(path);
	return ok;
}

static bool add_close(struct bench_conn *c, struct bench_template *t)
{
	struct smb2_close_req q = {.file_id = SMB2_FILE_ID_NONE};
	struct wr w = bench_part(c, t);

	smb2_close_req_encode(&w, &q);
	return bench_part_done(c, t, &w, SMB2_CLOSE, 1);
}

static bool build_open(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_create_req q = {
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES, .create_disposition = FILE_OPEN};

	return add_create(c, &s->stages[0], "file", &q) && add_close(c, &s->stages[0]);
}

static bool build_stat(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_create_req q = {.desired_access = FILE_READ_ATTRIBUTES, .create_disposition = FILE_OPEN};
	struct smb2_query_info_req info = {.info_type = SMB2_0_INFO_FILE,
		.info_class = FileAllInformation,
		.output_length = 1024,
		.file_id = SMB2_FILE_ID_NONE};
	struct bench_template *t = &s->stages[0];
	struct wr w;

	if (!add_create(c, t, "file", &q))
		return false;
	w = bench_part(c, t);
	smb2_query_info_req_encode(&w, &info);
	return bench_part_done(c, t, &w, SMB2_QUERY_INFO, 1) && add_close(c, t);
}

static bool build_create(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_create_req q = {
		.desired_access = FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | ACCESS_DELETE,
		.create_disposition = FILE_CREATE,
		.create_options = FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE,
	};

	return add_create(c, &s->stages[0], "0123456789abcdef", &q) && add_close(c, &s->stages[0]);
}

/* The last characters of the name are a number that counts up. */
static void patch_name(struct bench_slot *s)
{
	static const char digits[] = "0123456789abcdef";
	struct wr w = part_writer(&s->stages[0], 0);
	size_t at = CREATE_NAME_AT + 2 * (strlen(s->conn->bench->folder) + 1);
	uint64_t n = s->conn->bench->unique++;

	for (unsigned i = UNIQUE_DIGITS; i-- > 0; n >>= 4)
		wr_patch(&w, at + 2 * i, (uint64_t)(unsigned char)digits[n & 15], 2);
}

/* list */

static bool add_query_directory(struct bench_conn *c, struct bench_template *t, struct smb2_file_id id)
{
	static const uint8_t star[] = {'*', 0};
	struct smb2_query_directory_req q = {
		.info_class = FileIdBothDirectoryInformation,
		.file_id = id,
		.pattern = BYTES(star, sizeof(star)),
		.output_length = LIST_OUTPUT,
	};
	struct wr w = bench_part(c, t);

	smb2_query_directory_req_encode(&w, &q);
	return bench_part_done(c, t, &w, SMB2_QUERY_DIRECTORY, 1);
}

static bool build_list(struct bench_conn *c, struct bench_slot *s)
{
	struct smb2_create_req q = {
		.desired_access = FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DIRECTORY_FILE,
	};

	return add_create(c, &s->stages[LIST_OPEN], "many", &q) &&
	       add_query_directory(c, &s->stages[LIST_OPEN], SMB2_FILE_ID_NONE) &&
	       add_query_directory(c, &s->stages[LIST_QUERY], SMB2_FILE_ID_NONE) &&
	       add_close(c, &s->stages[LIST_CLOSE]);
}

static void patch_list(struct bench_slot *s)
{
	if (s->stage != LIST_OPEN)
		patch_handle(&s->stages[s->stage], s->file);
}

static bool answered_list(struct bench_slot *s, unsigned part, const struct smb2_header *h, struct rd *body)
{
	struct smb2_create_rsp p;

	if (s->stage == LIST_OPEN && part == 0) {
		s->last = !status_is_ok(h->status) || !smb2_create_rsp_decode(body, &p);
		if (!s->last)
			s->file = p.file_id;
		return !s->last;
	}
	if (s->stage == LIST_CLOSE)
		return status_is_ok(h->status);
	s->last |= !status_is_ok(h->status);
	return status_is_ok(h->status) || h->status == STATUS_NO_MORE_FILES;
}

static int next_list(struct bench_slot *s)
{
	if (s->stage == LIST_CLOSE || (s->stage == LIST_OPEN && s->failed))
		return -1;
	return s->last ? LIST_CLOSE : LIST_QUERY;
}

static const struct bench_op ops[] = {
	{.name = "read",
		.needs_file = true,
		.moves = true,
		.build = build_read,
		.patch = patch_io,
		.answer = answered_io},
	{.name = "write",
		.needs_file = true,
		.writes = true,
		.moves = true,
		.build = build_write,
		.patch = patch_io,
		.answer = answered_io},
	{.name = "commit",
		.needs_file = true,
		.writes = true,
		.moves = true,
		.commits = true,
		.build = build_commit,
		.patch = patch_commit,
		.answer = answered_commit,
		.next = next_commit},
	{.name = "stat", .needs_file = true, .build = build_stat, .answer = answered_ok},
	{.name = "open", .needs_file = true, .build = build_open, .answer = answered_ok},
	{.name = "create", .build = build_create, .patch = patch_name, .answer = answered_ok},
	{.name = "list",
		.needs_directory = true,
		.build = build_list,
		.patch = patch_list,
		.answer = answered_list,
		.next = next_list},
};

const struct bench_op *bench_op_find(const char *name)
{
	if (strcmp(name, bench_op_connect.name) == 0)
		return &bench_op_connect;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	return NULL;
}
