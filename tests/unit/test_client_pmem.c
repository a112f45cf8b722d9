/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Regions of mapped files: which way an operation goes, what a commit may claim, and what a break asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "client/pmem.h"
#include "core/clock.h"
#include "tests/unit/client_rig.h"

#include <errno.h>

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

static void post(struct rdma_work *w, bool write)
{
	assert_true(work_count < WORKS);
	works[work_count++] = (struct posted){w, write};
}

static void fake_write(struct rdma_conn *c, struct rdma_work *w)
{
	post(w, true);
}

static void fake_read(struct rdma_conn *c, struct rdma_work *w)
{
	post(w, false);
}

static const struct rdma_transport fake_rdma = {.name = "fake", .write = fake_write, .read = fake_read};
static struct rdma_conn fake_conn = {.ops = &fake_rdma};

static struct rdma_conn *transport_rdma(struct transport *t)
{
	return channel.closed ? NULL : &fake_conn;
}

static void work_ends(unsigned i, int error)
{
	struct rdma_work *w = works[i].work;

	assert_non_null(w);
	works[i].work = NULL;
	w->done(w, error);
	rig_run(&rig);
}

static void transport_close(struct transport *t)
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

static uint16_t command_of(struct rig *r, unsigned n)
{
	return rig_answer_to(r, n, STATUS_SUCCESS).command;
}

/* The last request of a connection is this one; its number. */
static unsigned asked(struct rig *r, uint16_t command)
{
	assert_true(r->sent_count > 0);
	assert_int_equal(command_of(r, r->sent_count - 1), command);
	return r->sent_count - 1;
}

static void answer(struct rig *r, unsigned n, ntstatus_t status)
{
	struct smb2_header h = rig_answer_to(r, n, status);

	rig_answer(r, &h);
	rig_run(&rig);
}

static void answer_write(unsigned n, uint32_t count)
{
	struct smb2_header h = rig_answer_to(&rig, n, STATUS_SUCCESS);
	uint8_t buf[128];
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_header_encode(&w, &h);
	smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = count});
	rig_receive(&rig, BYTES(buf, w.pos));
}

static void answer_create(unsigned n, uint32_t lease)
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

static void answer_map(unsigned n, uint32_t access)
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

static void lease_breaks(uint32_t left, bool ack)
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

static void acknowledged_with(unsigned n, uint32_t left)
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

static void gives_back(void)
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
static void gone_is_confirmed(void)
{
	unsigned n = asked(&rig, SMB2_IOCTL);

	answer(&rig, n, STATUS_NOT_FOUND);
}

static void channel_ends(void)
{
	client_conn_fail(channel.conn, STATUS_CONNECTION_DISCONNECTED);
	rig_run(&rig);
	if (!rig.closed)
		gone_is_confirmed();
}

/* ---- a region ---- */

static void told(void *arg, struct daxsmb_region *r, enum daxsmb_region_event e)
{
	events[e]++;
}

static void map(uint32_t access)
{
	struct smb2_create_req q = {.desired_access = 3, .create_disposition = 1};
	struct tevent_req *req = rig_watch(&rig, daxsmb_file_open_send(rig.ev, direct, "file", &q, 3));

	rig_run(&rig);
	answer_create(asked(&rig, SMB2_CREATE), ALL);
	assert_status(daxsmb_file_open_recv(req, &file), STATUS_SUCCESS);
	talloc_free(req);
	req = rig_watch(&rig, daxsmb_map_send(rig.ev, file, OFFSET, LENGTH, access));
	rig_run(&rig);
	answer_map(asked(&channel, SMB2_IOCTL), access);
	assert_status(daxsmb_map_recv(req, &region), STATUS_SUCCESS);
	talloc_free(req);
	daxsmb_region_watch(region, told, NULL);
	rig.started = rig.ended = 0;
}

static void channel_lost(void *arg)
{
	pmem_channel_lost(arg);
}

static int setup(void **state)
{
	static struct transport_ops ops;
	struct daxsmb_options o = {.user = "u"};

	rig_setup(&rig, SMB2_DIALECT_0311, 32);
	rig_setup(&channel, SMB2_DIALECT_0311, 32);
	ops = *channel.transport.ops;
	ops.rdma = transport_rdma;
	ops.close = transport_close;
	channel.transport.ops = &ops;
	direct = daxsmb_direct_new(rig.tree, rig.ev, "server", 0, &o);
	direct->channel = channel.conn;
	direct->on_channel = channel.tree;
	channel.conn->primary = rig.conn;
	channel.conn->lost = channel_lost;
	channel.conn->lost_arg = direct;
	work_count = 0;
	memset(events, 0, sizeof(events));
	return 0;
}

static int teardown(void **state)
{
	channel.conn->lost = NULL;
	if (direct)
		direct->channel = NULL;
	fake_conn.ops = &fake_rdma;
	talloc_free(channel.ev);
	rig_teardown(&rig);
	return 0;
}

static struct tevent_req *write_at(uint64_t offset, size_t len)
{
	struct tevent_req *req = rig_watch(&rig, daxsmb_region_write_send(rig.ev, region, offset, data, len));

	rig_run(&rig);
	return req;
}

static void write_durably(uint64_t offset, size_t len)
{
	rig_watch(&rig, daxsmb_region_write_durably_send(rig.ev, region, offset, data, len));
	rig_run(&rig);
}

static struct tevent_req *read_at(uint64_t offset, size_t len)
{
	struct tevent_req *req = rig_watch(&rig, daxsmb_region_read_send(rig.ev, region, offset, data, len));

	rig_run(&rig);
	return req;
}

static struct tevent_req *commit(void)
{
	struct tevent_req *req = rig_watch(&rig, daxsmb_region_commit_send(rig.ev, region));

	rig_run(&rig);
	return req;
}

static void ended_with(unsigned count, ntstatus_t status)
{
	assert_int_equal(rig.ended, count);
	assert_status(rig.last, status);
}

/* ---- the cases ---- */

static void a_write_names_the_servers_memory(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(100, 50);
	assert_int_equal(work_count, 1);
	assert_true(works[0].write);
	assert_int_equal(works[0].work->tag, TAG);
	assert_int_equal(works[0].work->remote_offset, 100);
	assert_int_equal(works[0].work->iov[0].iov_len, 50);
	assert_int_equal(rig.ended, 0);
	work_ends(0, 0);
	ended_with(1, STATUS_SUCCESS);
}

static void a_read_over_the_border_of_two_tags_is_two(void **state)
{
	map(PMEM_ACCESS_READ);
	read_at(LENGTH / 2 - 10, 30);
	assert_false(works[0].write);
	assert_int_equal(works[0].work->iov[0].iov_len, 10);
	work_ends(0, 0);
	assert_int_equal(work_count, 2);
	assert_int_equal(works[1].work->tag, TAG + 1);
	assert_int_equal(works[1].work->remote_offset, 0);
	assert_int_equal(works[1].work->iov[0].iov_len, 20);
	work_ends(1, 0);
	ended_with(1, STATUS_SUCCESS);
}

static void what_is_not_in_the_region_is_refused(void **state)
{
	map(PMEM_ACCESS_READ);
	read_at(LENGTH, 1);
	ended_with(1, STATUS_INVALID_VIEW_SIZE);
	read_at(UINT64_MAX, 2);
	ended_with(2, STATUS_INVALID_VIEW_SIZE);
	write_at(0, 1);
	ended_with(3, STATUS_ACCESS_DENIED);
	assert_int_equal(work_count, 0);
}

static void a_commit_is_a_read_behind_the_writes(void **state)
{
	map(PMEM_ACCESS_WRITE);
	commit();
	ended_with(1, STATUS_SUCCESS); /* nothing was written */
	write_at(0, 10);
	work_ends(0, 0);
	commit();
	assert_int_equal(work_count, 2);
	assert_false(works[1].write);
	assert_int_equal(works[1].work->iov[0].iov_len, 1);
	assert_int_equal(rig.ended, 2);
	work_ends(1, 0);
	ended_with(3, STATUS_SUCCESS);
}

static void commits_that_wait_share_the_next(void **state)
{
	map(PMEM_ACCESS_WRITE);
	for (unsigned i = 0; i < 3; i++)
		write_at(i, 1);
	for (unsigned i = 0; i < 3; i++)
		work_ends(i, 0);
	commit();
	assert_int_equal(work_count, 4);
	write_at(9, 1);
	work_ends(4, 0);
	commit();
	commit();
	assert_int_equal(work_count, 5);
	work_ends(3, 0);
	assert_int_equal(rig.ended, 5);
	assert_int_equal(work_count, 6);
	work_ends(5, 0);
	ended_with(7, STATUS_SUCCESS);
	assert_int_equal(work_count, 6);
}

static void writes_that_are_lost_fail_one_commit(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	channel_ends();
	assert_int_equal(events[DAXSMB_REGION_LOST], 1);
	commit();
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
	commit();
	answer(&rig, asked(&rig, SMB2_FLUSH), STATUS_SUCCESS);
	ended_with(3, STATUS_SUCCESS);
}

static void commits_under_way_fail_with_the_channel(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	commit();
	commit();
	channel_ends();
	assert_int_equal(rig.ended, 3);
	assert_status(rig.last, STATUS_LOST_WRITEBEHIND_DATA);
	commit();
	asked(&rig, SMB2_FLUSH);
}

static void what_was_committed_is_not_lost(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	commit();
	work_ends(1, 0);
	channel_ends();
	commit();
	answer(&rig, asked(&rig, SMB2_FLUSH), STATUS_SUCCESS);
	ended_with(3, STATUS_SUCCESS);
}

static void what_is_under_way_is_repeated_over_smb(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(3, 10);
	read_at(0, 20);
	channel_ends();
	assert_int_equal(rig.ended, 0);
	assert_int_equal(command_of(&rig, rig.sent_count - 2), SMB2_WRITE);
	asked(&rig, SMB2_READ);
	answer_write(rig.sent_count - 2, 10);
	ended_with(1, STATUS_SUCCESS);
}

static void a_break_waits_for_what_is_under_way_and_commits(void **state)
{
	unsigned before;

	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	before = channel.sent_count;
	lease_breaks(SMB2_LEASE_READ | SMB2_LEASE_HANDLE, true);
	assert_int_equal(events[DAXSMB_REGION_REVOKED], 1);
	write_at(20, 10); /* waits */
	assert_int_equal(work_count, 1);
	work_ends(0, 0);
	ended_with(1, STATUS_SUCCESS);
	assert_int_equal(work_count, 2);
	assert_false(works[1].write);
	assert_int_equal(channel.sent_count, before);
	work_ends(1, 0);
	gives_back();
	acknowledged_with(rig.sent_count - 2, SMB2_LEASE_READ | SMB2_LEASE_HANDLE);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	ended_with(2, STATUS_SUCCESS);
}

static void a_break_that_leaves_enough_takes_nothing(void **state)
{
	map(PMEM_ACCESS_READ);
	lease_breaks(SMB2_LEASE_READ, true);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	assert_int_equal(events[DAXSMB_REGION_REVOKED], 0);
	read_at(0, 1);
	assert_int_equal(work_count, 1);
	work_ends(0, 0);
	ended_with(1, STATUS_SUCCESS);
}

static void a_break_in_steps_is_answered_step_by_step(void **state)
{
	unsigned first;

	map(PMEM_ACCESS_WRITE);
	lease_breaks(SMB2_LEASE_READ | SMB2_LEASE_HANDLE, true);
	gives_back();
	first = asked(&rig, SMB2_OPLOCK_BREAK);
	lease_breaks(SMB2_LEASE_READ, true);
	assert_int_equal(asked(&rig, SMB2_OPLOCK_BREAK), first);
	answer(&rig, first, STATUS_SUCCESS);
	assert_int_not_equal(asked(&rig, SMB2_OPLOCK_BREAK), first);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	assert_false(file->breaking);
	assert_int_equal(file->lease, SMB2_LEASE_READ);
}

static void an_answer_that_came_too_late_leaves_nothing(void **state)
{
	map(PMEM_ACCESS_WRITE);
	lease_breaks(SMB2_LEASE_READ, true);
	gives_back();
	answer(&rig, asked(&rig, SMB2_OPLOCK_BREAK), STATUS_UNSUCCESSFUL);
	assert_false(file->breaking);
	assert_int_equal(file->lease, 0);
}

static void a_break_without_a_question_is_not_answered(void **state)
{
	map(PMEM_ACCESS_READ);
	lease_breaks(0, false);
	gives_back();
	for (unsigned i = 0; i < rig.sent_count; i++)
		assert_int_not_equal(command_of(&rig, i), SMB2_OPLOCK_BREAK);
	read_at(0, 1);
	asked(&rig, SMB2_READ);
}

static void a_break_is_answered_when_the_channel_ends(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	lease_breaks(0, true);
	channel_ends();
	acknowledged_with(rig.sent_count - 2, 0);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	ended_with(1, STATUS_SUCCESS);
	commit();
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
}

static void the_end_of_the_session_ends_everything(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	client_conn_fail(rig.conn, STATUS_CONNECTION_RESET);
	channel_ends();
	ended_with(1, STATUS_CONNECTION_RESET);
	commit();
	ended_with(2, STATUS_CONNECTION_RESET);
}

static void a_request_that_is_freed_costs_the_channel(void **state)
{
	map(PMEM_ACCESS_WRITE);
	talloc_free(write_at(0, 10));
	rig_run(&rig);
	assert_true(channel.closed);
	assert_int_equal(events[DAXSMB_REGION_LOST], 1);
	gone_is_confirmed();
	commit();
	ended_with(1, STATUS_LOST_WRITEBEHIND_DATA);
}

static void a_region_that_is_freed_ends_its_requests(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	TALLOC_FREE(region);
	rig_run(&rig);
	ended_with(1, STATUS_CANCELLED);
	assert_true(channel.closed);
}

static void unmapping_waits_for_what_is_under_way(void **state)
{
	struct tevent_req *req;
	unsigned before;

	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	before = channel.sent_count;
	req = rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	rig_run(&rig);
	assert_int_equal(channel.sent_count, before);
	work_ends(0, 0);
	gives_back();
	ended_with(2, STATUS_SUCCESS);
	assert_status(daxsmb_unmap_recv(req), STATUS_SUCCESS);
	assert_true(list_empty(&file->regions));
}

static void a_mapping_that_comes_while_unmapping_is_given_back(void **state)
{
	struct tevent_req *req;
	unsigned before;

	map(PMEM_ACCESS_WRITE);
	lease_breaks(SMB2_LEASE_READ | SMB2_LEASE_HANDLE, true);
	gives_back();
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ | SMB2_LEASE_HANDLE);
	for (before = rig.sent_count; rig.sent_count == before;)
		tevent_loop_once(rig.ev);
	before = channel.sent_count;
	answer_create(asked(&rig, SMB2_CREATE), ALL);
	rig_run(&rig);
	assert_int_equal(channel.sent_count, before + 1);
	req = rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	rig_run(&rig);
	assert_int_equal(rig.ended, 0);
	answer_map(asked(&channel, SMB2_IOCTL), PMEM_ACCESS_WRITE);
	gives_back();
	ended_with(1, STATUS_SUCCESS);
	assert_status(daxsmb_unmap_recv(req), STATUS_SUCCESS);
	assert_int_equal(events[DAXSMB_REGION_MAPPED], 0);
}

static void a_durable_write_has_its_read_right_behind_it(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_durably(100, 50);
	assert_int_equal(work_count, 2);
	assert_true(works[0].write);
	assert_false(works[1].write);
	assert_int_equal(works[1].work->iov[0].iov_len, 1);
	work_ends(0, 0);
	assert_int_equal(rig.ended, 0);
	work_ends(1, 0);
	ended_with(1, STATUS_SUCCESS);
	commit();
	assert_int_equal(work_count, 2); /* nothing is left to do */
	ended_with(2, STATUS_SUCCESS);
}

static void a_durable_write_of_nothing_is_a_commit(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	write_durably(0, 0);
	assert_int_equal(work_count, 2);
	assert_false(works[1].write);
	work_ends(1, 0);
	ended_with(2, STATUS_SUCCESS);
}

static void the_read_of_a_durable_write_is_behind_its_last_piece(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_durably(LENGTH / 2 - 10, 30);
	assert_int_equal(work_count, 1);
	work_ends(0, 0);
	assert_int_equal(work_count, 3);
	assert_true(works[1].write);
	assert_false(works[2].write);
	work_ends(1, 0);
	assert_int_equal(rig.ended, 0);
	work_ends(2, 0);
	ended_with(1, STATUS_SUCCESS);
}

static void a_durable_write_that_fails_waits_for_its_read(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_durably(0, 10);
	work_ends(0, -EIO);
	assert_int_equal(rig.ended, 0);
	work_ends(1, 0);
	assert_int_equal(rig.ended, 1);
	assert_false(status_is_ok(rig.last));
}

static void a_durable_write_that_is_lost_says_so(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_durably(0, 10);
	channel_ends();
	assert_int_equal(rig.ended, 0);
	asked(&rig, SMB2_WRITE);
	answer_write(rig.sent_count - 1, 10);
	ended_with(1, STATUS_LOST_WRITEBEHIND_DATA);
}

static void a_durable_write_over_smb_is_flushed(void **state)
{
	map(PMEM_ACCESS_WRITE);
	channel_ends();
	write_durably(0, 10);
	asked(&rig, SMB2_WRITE);
	answer_write(rig.sent_count - 1, 10);
	assert_int_equal(rig.ended, 0);
	answer(&rig, asked(&rig, SMB2_FLUSH), STATUS_SUCCESS);
	ended_with(1, STATUS_SUCCESS);
}

/* ---- looking instead of sleeping ---- */

static bool everything_has_come(struct rdma_conn *c)
{
	bool some = false;

	for (unsigned i = 0; i < work_count; i++) {
		struct rdma_work *w = works[i].work;

		works[i].work = NULL;
		some |= w != NULL;
		if (w)
			w->done(w, 0);
	}
	return some;
}

static bool something_always_comes(struct rdma_conn *c)
{
	return true;
}

static bool the_owner_lets_go(struct rdma_conn *c)
{
	TALLOC_FREE(direct);
	return true;
}

static void look_by(bool (*poll)(struct rdma_conn *c))
{
	static struct rdma_transport polled;

	polled = fake_rdma;
	polled.poll = poll;
	fake_conn.ops = &polled;
	assert_true(daxsmb_direct_set_poll(direct, 1000000));
}

static void who_looks_gets_what_has_come(void **state)
{
	uint8_t byte;

	map(PMEM_ACCESS_WRITE);
	look_by(everything_has_come);
	assert_status(daxsmb_region_read(region, 0, &byte, 1), STATUS_SUCCESS);
	rig_watch(&rig, daxsmb_region_read_send(rig.ev, region, 0, &byte, 1));
	while (!rig.ended)
		assert_int_equal(daxsmb_direct_loop_once(direct), 0);
	assert_int_equal(work_count, 2);
}

static void others_have_their_turn_while_somebody_looks(void **state)
{
	struct tevent_immediate *im = tevent_create_immediate(rig.ev);
	bool reached = false;

	map(PMEM_ACCESS_WRITE);
	look_by(something_always_comes);
	tevent_schedule_immediate(im, rig.ev, rig_flag, &reached);
	while (!reached)
		assert_int_equal(daxsmb_direct_loop_once(direct), 0);
	assert_true(daxsmb_direct_set_poll(direct, 0));
	talloc_free(im);
}

static void what_is_freed_while_somebody_looks_is_not_touched(void **state)
{
	map(PMEM_ACCESS_WRITE);
	channel.conn->lost = NULL;
	look_by(the_owner_lets_go);
	direct->others_ns = clock_now_ns(); /* they have had their turn */
	assert_int_equal(daxsmb_direct_loop_once(direct), 0);
	assert_null(direct);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_write_names_the_servers_memory),
		CASE(a_read_over_the_border_of_two_tags_is_two),
		CASE(what_is_not_in_the_region_is_refused),
		CASE(a_commit_is_a_read_behind_the_writes),
		CASE(commits_that_wait_share_the_next),
		CASE(writes_that_are_lost_fail_one_commit),
		CASE(commits_under_way_fail_with_the_channel),
		CASE(what_was_committed_is_not_lost),
		CASE(what_is_under_way_is_repeated_over_smb),
		CASE(a_break_waits_for_what_is_under_way_and_commits),
		CASE(a_break_that_leaves_enough_takes_nothing),
		CASE(a_break_in_steps_is_answered_step_by_step),
		CASE(an_answer_that_came_too_late_leaves_nothing),
		CASE(a_break_without_a_question_is_not_answered),
		CASE(a_break_is_answered_when_the_channel_ends),
		CASE(the_end_of_the_session_ends_everything),
		CASE(a_request_that_is_freed_costs_the_channel),
		CASE(a_region_that_is_freed_ends_its_requests),
		CASE(unmapping_waits_for_what_is_under_way),
		CASE(a_mapping_that_comes_while_unmapping_is_given_back),
		CASE(a_durable_write_has_its_read_right_behind_it),
		CASE(a_durable_write_of_nothing_is_a_commit),
		CASE(the_read_of_a_durable_write_is_behind_its_last_piece),
		CASE(a_durable_write_that_fails_waits_for_its_read),
		CASE(a_durable_write_that_is_lost_says_so),
		CASE(a_durable_write_over_smb_is_flushed),
		CASE(who_looks_gets_what_has_come),
		CASE(others_have_their_turn_while_somebody_looks),
		CASE(what_is_freed_while_somebody_looks_is_not_touched),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
