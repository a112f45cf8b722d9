/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_CLIENT_PMEM_RIG_H
#define TESTS_CLIENT_PMEM_RIG_H

#include "client/pmem.h"
#include "tests/unit/client_rig.h"

#include <errno.h>

/* A region of a mapped file whose server, and whose RDMA connection, are the test. Behind cmocka.h. */

enum { LENGTH = 1 << 20, OFFSET = 8192, TAG = 0x77, WORKS = 16, GRANT = 99, ALL = 7 };

struct posted {
	struct rdma_work *work; /* NULL: done */
	bool write;
};

static struct rig rig, channel; /* the session's first connection, and the one that mappings are on */
static struct daxsmb_direct *direct;
static struct daxsmb_file *file;
static struct daxsmb_region *region;
static struct posted works[WORKS];
static unsigned work_count;
static unsigned events[3];
static uint8_t data[LENGTH];

#define assert_status(got, want) assert_string_equal(status_name(got), status_name((ntstatus_t)(want)))

/* ---- an RDMA connection that the test answers for ---- */

static inline void post(struct rdma_work *w, bool write)
{
	assert_true(work_count < WORKS);
	works[work_count++] = (struct posted){w, write};
}

static inline void fake_write(struct rdma_conn *c, struct rdma_work *w)
{
	post(w, true);
}

static inline void fake_read(struct rdma_conn *c, struct rdma_work *w)
{
	post(w, false);
}

static const struct rdma_transport fake_rdma = {.name = "fake", .write = fake_write, .read = fake_read};
static struct rdma_conn fake_conn = {.ops = &fake_rdma};

static inline struct rdma_conn *transport_rdma(struct transport *t)
{
	return channel.closed ? NULL : &fake_conn;
}

static inline void work_ends(unsigned i, int error)
{
	struct rdma_work *w = works[i].work;

	assert_non_null(w);
	works[i].work = NULL;
	w->done(w, error);
	rig_run(&rig);
}

static inline void transport_close(struct transport *t)
{
	channel.closed = true;
	for (unsigned i = 0; i < work_count; i++) {
		struct rdma_work *w = works[i].work;

		works[i].work = NULL;
		if (w)
			w->done(w, -ECANCELED);
	}
}

/* ---- what was sent ---- */

static inline uint16_t command_of(struct rig *r, unsigned n)
{
	return rig_answer_to(r, n, STATUS_SUCCESS).command;
}

/* The last request of a connection is this one; its number. */
static inline unsigned asked(struct rig *r, uint16_t command)
{
	assert_true(r->sent_count > 0);
	assert_int_equal(command_of(r, r->sent_count - 1), command);
	return r->sent_count - 1;
}

static inline void answer(struct rig *r, unsigned n, ntstatus_t status)
{
	struct smb2_header h = rig_answer_to(r, n, status);

	rig_answer(r, &h);
	rig_run(&rig);
}

static inline void answer_write(unsigned n, uint32_t count)
{
	struct smb2_header h = rig_answer_to(&rig, n, STATUS_SUCCESS);
	uint8_t buf[128];
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_header_encode(&w, &h);
	smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = count});
	rig_receive(&rig, BYTES(buf, w.pos));
}

static inline void answer_create(unsigned n, uint32_t lease)
{
	struct smb2_header h = rig_answer_to(&rig, n, STATUS_SUCCESS);
	struct smb2_create_contexts_rsp c = {.has_lease = true,
		.lease = {.version = 2, .state = lease},
		.has_pmem = true,
		.pmem = {.version = 1, .access = 3}};
	uint8_t contexts[512], buf[1024];
	struct wr w = wr_over(contexts, sizeof(contexts)), m = wr_over(buf, sizeof(buf));

	smb2_create_contexts_rsp_encode(&w, &c);
	smb2_header_encode(&m, &h);
	smb2_create_rsp_encode(&m,
		&(struct smb2_create_rsp){
			.file_id = {1, 2}, .end_of_file = 2 * LENGTH, .contexts = BYTES(contexts, w.pos)});
	assert_false(m.bad);
	rig_receive(&rig, BYTES(buf, m.pos));
}

static inline void answer_map(unsigned n, uint32_t access)
{
	struct smb2_header h = rig_answer_to(&channel, n, STATUS_SUCCESS);
	struct pmem_map_rsp p = {.version = 1,
		.durability = PMEM_FLUSHED,
		.guard = PMEM_GUARD_LEASE,
		.commit_methods = PMEM_COMMIT_READ_AFTER_WRITE,
		.grant_id = GRANT,
		.offset = OFFSET,
		.length = LENGTH,
		.access = access,
		.descriptor_count = 2,
		.descriptors = {
			{.token = TAG, .length = LENGTH / 2}, {.token = TAG + 1, .length = LENGTH / 2}}};
	uint8_t out[512], buf[1024];
	struct wr w = wr_over(out, sizeof(out)), m = wr_over(buf, sizeof(buf));

	pmem_map_rsp_encode(&w, &p);
	smb2_header_encode(&m, &h);
	smb2_ioctl_rsp_encode(
		&m, &(struct smb2_ioctl_rsp){.ctl_code = FSCTL_PMEM_MAP, .output = BYTES(out, w.pos)});
	assert_false(m.bad);
	rig_receive(&channel, BYTES(buf, m.pos));
	rig_run(&rig);
}

static inline void lease_breaks(uint32_t left, bool ack)
{
	struct smb2_header h = {
		.command = SMB2_OPLOCK_BREAK, .flags = SMB2_FLAGS_SERVER_TO_REDIR, .message_id = UINT64_MAX};
	struct smb2_lease_break_notification n = {.flags = ack, .current_state = ALL, .new_state = left};
	uint8_t buf[128];
	struct wr w = wr_over(buf, sizeof(buf));

	memcpy(n.lease_key, file->listener.key, sizeof(n.lease_key));
	smb2_header_encode(&w, &h);
	smb2_lease_break_notification_encode(&w, &n);
	rig_receive(&rig, BYTES(buf, w.pos));
}

static inline void acknowledged_with(unsigned n, uint32_t left)
{
	struct rd r = rd_over(rig.sent[n]);
	struct smb2_lease_break_ack a;

	assert_int_equal(command_of(&rig, n), SMB2_OPLOCK_BREAK);
	rd_seek(&r, SMB2_HEADER_SIZE);
	assert_true(smb2_lease_break_ack_decode(&r, &a));
	assert_int_equal(a.lease_state, left);
	assert_memory_equal(a.lease_key, file->listener.key, 16);
	answer(&rig, n, STATUS_SUCCESS);
}

static inline void gives_back(void)
{
	unsigned n = asked(&channel, SMB2_IOCTL);
	struct rd r = rd_over(channel.sent[n]);
	struct smb2_ioctl_req q;

	rd_seek(&r, SMB2_HEADER_SIZE);
	assert_true(smb2_ioctl_req_decode(&r, &q));
	assert_int_equal(q.ctl_code, FSCTL_PMEM_UNMAP);
	answer(&channel, n, STATUS_NOT_FOUND); /* whatever it says */
}

/* After the end of the channel it is given back over the first connection, before anything goes over SMB. */
static inline void gone_is_confirmed(void)
{
	unsigned n = asked(&rig, SMB2_IOCTL);

	answer(&rig, n, STATUS_NOT_FOUND);
}

static inline void channel_ends(void)
{
	client_conn_fail(channel.conn, STATUS_CONNECTION_DISCONNECTED);
	rig_run(&rig);
	if (!rig.closed)
		gone_is_confirmed();
}

/* ---- a region ---- */

static inline void told(void *arg, struct daxsmb_region *r, enum daxsmb_region_event e)
{
	events[e]++;
}

static inline void open_file(void)
{
	struct smb2_create_req q = {.desired_access = 3, .create_disposition = 1};
	struct tevent_req *req = rig_watch(&rig, daxsmb_file_open_send(rig.ev, direct, "file", &q, 3));

	rig_run(&rig);
	answer_create(asked(&rig, SMB2_CREATE), ALL);
	assert_status(daxsmb_file_open_recv(req, &file), STATUS_SUCCESS);
	talloc_free(req);
	rig.started = rig.ended = 0;
}

static inline void map(uint32_t access)
{
	struct tevent_req *req;

	open_file();
	req = rig_watch(&rig, daxsmb_map_send(rig.ev, file, OFFSET, LENGTH, access));
	rig_run(&rig);
	answer_map(asked(&channel, SMB2_IOCTL), access);
	assert_status(daxsmb_map_recv(req, &region), STATUS_SUCCESS);
	talloc_free(req);
	daxsmb_region_watch(region, told, NULL);
	rig.started = rig.ended = 0;
}

static inline void channel_lost(void *arg)
{
	pmem_channel_lost(arg);
}

static inline void channel_setup(void)
{
	static struct transport_ops ops;

	rig_setup(&channel, SMB2_DIALECT_0311, 32);
	ops = *channel.transport.ops;
	ops.rdma = transport_rdma;
	ops.close = transport_close;
	channel.transport.ops = &ops;
	direct->channel = channel.conn;
	direct->on_channel = channel.tree;
	channel.conn->primary = rig.conn;
	channel.conn->lost = channel_lost;
	channel.conn->lost_arg = direct;
	work_count = 0;
}

static inline int setup(void **state)
{
	struct daxsmb_options o = {.user = "u"};

	rig_setup(&rig, SMB2_DIALECT_0311, 32);
	direct = daxsmb_direct_new(rig.tree, rig.ev, "server", 0, &o);
	channel_setup();
	memset(events, 0, sizeof(events));
	return 0;
}

/* A channel in place of one that has ended; the region is mapped on it. */
static inline void mapped_again(void)
{
	talloc_free(channel.ev);
	channel_setup();
	while (channel.sent_count == 0)
		tevent_loop_once(rig.ev);
	answer_map(asked(&channel, SMB2_IOCTL), region->access);
	assert_int_equal(region->state, REGION_DIRECT);
}

static inline int teardown(void **state)
{
	channel.conn->lost = NULL;
	if (direct)
		direct->channel = NULL;
	fake_conn.ops = &fake_rdma;
	talloc_free(channel.ev);
	rig_teardown(&rig);
	return 0;
}

static inline struct tevent_req *write_at(uint64_t offset, size_t len)
{
	struct tevent_req *req = rig_watch(&rig, daxsmb_region_write_send(rig.ev, region, offset, data, len));

	rig_run(&rig);
	return req;
}

static inline void write_durably(uint64_t offset, size_t len)
{
	rig_watch(&rig, daxsmb_region_write_durably_send(rig.ev, region, offset, data, len));
	rig_run(&rig);
}

static inline struct tevent_req *read_at(uint64_t offset, size_t len)
{
	struct tevent_req *req = rig_watch(&rig, daxsmb_region_read_send(rig.ev, region, offset, data, len));

	rig_run(&rig);
	return req;
}

static inline struct tevent_req *commit(void)
{
	struct tevent_req *req = rig_watch(&rig, daxsmb_region_commit_send(rig.ev, region));

	rig_run(&rig);
	return req;
}

static inline void ended_with(unsigned count, ntstatus_t status)
{
	assert_int_equal(rig.ended, count);
	assert_status(rig.last, status);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
