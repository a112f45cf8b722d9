/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Regions of mapped files: which way an operation goes, what a commit may claim, and what a break asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/clock.h"
#include "tests/unit/client_pmem_rig.h"

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

/* Where a read begins, and how much of it one tag serves. */
static void one_read(unsigned i, uint32_t tag, uint64_t remote_offset, size_t len)
{
	assert_int_equal(work_count, i + 1);
	assert_int_equal(works[i].work->tag, tag);
	assert_int_equal(works[i].work->remote_offset, remote_offset);
	assert_int_equal(works[i].work->iov[0].iov_len, len);
	work_ends(i, 0);
}

static void offsets_beyond_4_gib_are_reached(void **state)
{
	const uint64_t span = 0xFFFFF000, four_gib = 1ull << 32;

	map(PMEM_ACCESS_READ);
	region->length = four_gib + LENGTH;
	region->map.descriptors[0].length = (uint32_t)span;
	region->map.descriptors[1].length = LENGTH + 4096;
	read_at(span - 1, 2);
	one_read(0, TAG, span - 1, 1);
	one_read(1, TAG + 1, 0, 1);
	read_at(four_gib - 1, 3);
	one_read(2, TAG + 1, 4095, 3);
	read_at(four_gib, 1);
	one_read(3, TAG + 1, 4096, 1);
	read_at(four_gib + LENGTH - 1, 1);
	one_read(4, TAG + 1, LENGTH + 4095, 1);
	ended_with(4, STATUS_SUCCESS);
	read_at(four_gib + LENGTH - 1, 2);
	ended_with(5, STATUS_INVALID_VIEW_SIZE);
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

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_write_names_the_servers_memory),
		CASE(a_read_over_the_border_of_two_tags_is_two),
		CASE(offsets_beyond_4_gib_are_reached),
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
