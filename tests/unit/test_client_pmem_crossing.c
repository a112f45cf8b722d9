/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Regions of mapped files when things cross: losses, breaks, and what is freed meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/client_pmem_rig.h"

static void a_durable_write_after_a_loss_says_so(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	channel_ends();
	mapped_again();
	write_durably(20, 10);
	work_ends(0, 0);
	work_ends(1, 0);
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
	write_durably(20, 10);
	work_ends(2, 0);
	work_ends(3, 0);
	ended_with(3, STATUS_SUCCESS);
}

static void a_durable_write_that_is_lost_says_so_after_others(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_durably(0, 10);
	channel_ends();
	commit();
	ended_with(1, STATUS_LOST_WRITEBEHIND_DATA);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
}

static void a_write_over_smb_that_ends_behind_a_flush_needs_another(void **state)
{
	unsigned write;

	map(PMEM_ACCESS_WRITE);
	channel_ends();
	write_at(0, 10);
	write = asked(&rig, SMB2_WRITE);
	commit();
	answer_write(write, 10);
	answer(&rig, asked(&rig, SMB2_FLUSH), STATUS_SUCCESS);
	ended_with(2, STATUS_SUCCESS);
	mapped_again();
	write = rig.sent_count;
	commit();
	assert_int_equal(rig.ended, 2);
	assert_int_equal(rig.sent_count, write + 1);
	answer(&rig, asked(&rig, SMB2_FLUSH), STATUS_SUCCESS);
	ended_with(3, STATUS_SUCCESS);
	commit();
	assert_int_equal(rig.sent_count, write + 1);
	ended_with(4, STATUS_SUCCESS);
}

static unsigned written_over_smb(void)
{
	map(PMEM_ACCESS_WRITE);
	channel_ends();
	write_at(0, 10);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	return rig.sent_count;
}

static void a_commit_does_not_trust_a_flush_without_an_answer(void **state)
{
	unsigned first = written_over_smb();

	commit();
	mapped_again();
	assert_int_equal(asked(&rig, SMB2_FLUSH), first);
	commit();
	assert_int_equal(rig.ended, 1);
	answer(&rig, first, STATUS_DISK_FULL);
	ended_with(2, STATUS_DISK_FULL);
	assert_int_equal(asked(&rig, SMB2_FLUSH), first + 1);
	answer(&rig, first + 1, STATUS_SUCCESS);
	ended_with(3, STATUS_SUCCESS);
}

static void a_flush_whose_commit_is_freed_is_not_trusted(void **state)
{
	unsigned first = written_over_smb();

	talloc_free(commit());
	mapped_again();
	assert_int_equal(asked(&rig, SMB2_FLUSH), first);
	commit();
	assert_int_equal(asked(&rig, SMB2_FLUSH), first + 1);
	assert_int_equal(rig.ended, 1);
}

static void a_durable_write_flushes_what_went_over_smb(void **state)
{
	unsigned first = written_over_smb();

	mapped_again();
	write_durably(20, 10);
	work_ends(0, 0);
	work_ends(1, 0);
	assert_int_equal(rig.ended, 1);
	assert_int_equal(asked(&rig, SMB2_FLUSH), first);
	answer(&rig, first, STATUS_SUCCESS);
	ended_with(2, STATUS_SUCCESS);
	assert_int_equal(work_count, 2);
}

static void a_break_does_not_wait_for_a_region_that_is_freed(void **state)
{
	map(PMEM_ACCESS_WRITE);
	lease_breaks(SMB2_LEASE_READ, true);
	asked(&channel, SMB2_IOCTL);
	assert_int_equal(command_of(&rig, rig.sent_count - 1), SMB2_CREATE);
	TALLOC_FREE(region);
	rig_run(&rig);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
}

static void a_break_does_not_wait_for_a_map_that_is_freed(void **state)
{
	struct tevent_req *req;

	open_file();
	req = rig_watch(&rig, daxsmb_map_send(rig.ev, file, OFFSET, LENGTH, PMEM_ACCESS_READ));
	rig_run(&rig);
	asked(&channel, SMB2_IOCTL);
	lease_breaks(0, true);
	assert_int_equal(command_of(&rig, rig.sent_count - 1), SMB2_CREATE);
	talloc_free(req);
	rig_run(&rig);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), 0);
}

static void a_file_that_is_freed_while_it_breaks_says_nothing(void **state)
{
	unsigned before;

	map(PMEM_ACCESS_WRITE);
	lease_breaks(SMB2_LEASE_READ, true);
	before = rig.sent_count;
	TALLOC_FREE(file);
	rig_run(&rig);
	assert_int_equal(rig.sent_count, before);
}

static void unmapping_waits_for_what_is_over_smb(void **state)
{
	struct tevent_req *req;
	unsigned write;

	map(PMEM_ACCESS_WRITE);
	channel_ends();
	write_at(0, 10);
	write = asked(&rig, SMB2_WRITE);
	req = rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	rig_run(&rig);
	assert_int_equal(rig.ended, 0);
	answer_write(write, 10);
	ended_with(2, STATUS_SUCCESS);
	assert_status(daxsmb_unmap_recv(req), STATUS_SUCCESS);
}

static void unmapping_waits_for_what_waits(void **state)
{
	struct tevent_req *req;

	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	commit();
	commit();
	req = rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	write_at(20, 10);
	work_ends(0, 0);
	work_ends(1, 0);
	ended_with(2, STATUS_SUCCESS);
	gives_back();
	assert_int_equal(rig.ended, 2);
	answer(&rig, asked(&rig, SMB2_FLUSH), STATUS_SUCCESS);
	assert_int_equal(rig.ended, 3);
	answer_write(rig.sent_count - 2, 10);
	ended_with(5, STATUS_SUCCESS);
	assert_status(daxsmb_unmap_recv(req), STATUS_SUCCESS);
}

static void unmapping_goes_on_when_what_it_waits_for_is_freed(void **state)
{
	struct tevent_req *write;

	map(PMEM_ACCESS_WRITE);
	channel_ends();
	write = write_at(0, 10);
	rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	rig_run(&rig);
	assert_int_equal(rig.ended, 0);
	talloc_free(write);
	rig_run(&rig);
	ended_with(1, STATUS_SUCCESS);
}

/* The lease is being asked for again; the number of that CREATE. */
static unsigned looks_again(void)
{
	unsigned before;

	map(PMEM_ACCESS_WRITE);
	lease_breaks(SMB2_LEASE_READ, true);
	gives_back();
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	for (before = rig.sent_count; rig.sent_count == before;)
		tevent_loop_once(rig.ev);
	return asked(&rig, SMB2_CREATE);
}

static void what_looks_for_a_file_that_is_freed_is_closed(void **state)
{
	unsigned look = looks_again();

	TALLOC_FREE(file);
	answer_create(look, ALL);
	assert_int_equal(asked(&rig, SMB2_CLOSE), look + 1);
}

static void what_looks_for_a_file_that_is_closed_is_closed(void **state)
{
	unsigned look = looks_again(), before = channel.sent_count;
	struct tevent_req *req = rig_watch(&rig, daxsmb_file_close_send(rig.ev, file));

	rig_run(&rig);
	assert_int_equal(asked(&rig, SMB2_CLOSE), look + 1);
	answer_create(look, ALL);
	assert_int_equal(asked(&rig, SMB2_CLOSE), look + 2);
	assert_int_equal(channel.sent_count, before); /* no MAP */
	talloc_free(req);
}

static void what_looks_is_closed_after_everything_is_freed(void **state)
{
	unsigned look = looks_again();

	channel.conn->lost = NULL;
	TALLOC_FREE(direct);
	answer_create(look, ALL);
	assert_int_equal(asked(&rig, SMB2_CLOSE), look + 1);
}

static void a_file_that_is_closed_is_not_tried_again(void **state)
{
	map(PMEM_ACCESS_WRITE);
	channel_ends();
	assert_non_null(file->retry);
	rig_watch(&rig, daxsmb_file_close_send(rig.ev, file));
	assert_null(file->retry);
	TALLOC_FREE(region);
	assert_null(file->retry);
}

static void unmapping_ends_with_its_file(void **state)
{
	struct tevent_req *req;

	map(PMEM_ACCESS_WRITE);
	req = rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	TALLOC_FREE(file);
	rig_run(&rig);
	ended_with(1, STATUS_CANCELLED);
	assert_status(daxsmb_unmap_recv(req), STATUS_CANCELLED);
	talloc_free(req);
}

static void an_unmapping_that_nobody_asked_about_outlives_its_file(void **state)
{
	struct tevent_req *req;

	map(PMEM_ACCESS_WRITE);
	req = rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	rig_run(&rig);
	gives_back();
	TALLOC_FREE(file);
	ended_with(1, STATUS_SUCCESS);
	assert_status(daxsmb_unmap_recv(req), STATUS_SUCCESS);
	talloc_free(req);
}

static void nothing_goes_over_smb_until_the_mapping_is_known_to_be_gone(void **state)
{
	unsigned first;

	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	client_conn_fail(channel.conn, STATUS_CONNECTION_DISCONNECTED);
	rig_run(&rig);
	first = asked(&rig, SMB2_IOCTL);
	answer(&rig, first, STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(asked(&rig, SMB2_IOCTL), first);
	lease_breaks(SMB2_LEASE_READ, true);
	assert_int_equal(asked(&rig, SMB2_IOCTL), first);
	while (rig.sent_count == first + 1)
		tevent_loop_once(rig.ev);
	answer(&rig, asked(&rig, SMB2_IOCTL), STATUS_FILE_CLOSED);
	acknowledged_with(rig.sent_count - 2, SMB2_LEASE_READ);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	ended_with(1, STATUS_SUCCESS);
}

static void the_end_of_the_session_proves_that_the_mapping_is_gone(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	client_conn_fail(channel.conn, STATUS_CONNECTION_DISCONNECTED);
	rig_run(&rig);
	asked(&rig, SMB2_IOCTL);
	client_conn_fail(rig.conn, STATUS_CONNECTION_RESET);
	rig_run(&rig);
	ended_with(1, STATUS_CONNECTION_RESET);
}

static void a_last_commit_that_fails_loses_what_was_written(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	lease_breaks(SMB2_LEASE_READ | SMB2_LEASE_HANDLE, true);
	assert_int_equal(work_count, 2);
	work_ends(1, -EIO);
	assert_true(channel.closed);
	rig_run(&rig);
	gone_is_confirmed();
	commit();
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
	assert_int_equal(work_count, 2);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_durable_write_after_a_loss_says_so),
		CASE(a_durable_write_that_is_lost_says_so_after_others),
		CASE(a_write_over_smb_that_ends_behind_a_flush_needs_another),
		CASE(a_commit_does_not_trust_a_flush_without_an_answer),
		CASE(a_flush_whose_commit_is_freed_is_not_trusted),
		CASE(a_durable_write_flushes_what_went_over_smb),
		CASE(a_break_does_not_wait_for_a_region_that_is_freed),
		CASE(a_break_does_not_wait_for_a_map_that_is_freed),
		CASE(a_file_that_is_freed_while_it_breaks_says_nothing),
		CASE(unmapping_waits_for_what_is_over_smb),
		CASE(unmapping_waits_for_what_waits),
		CASE(unmapping_goes_on_when_what_it_waits_for_is_freed),
		CASE(what_looks_for_a_file_that_is_freed_is_closed),
		CASE(what_looks_for_a_file_that_is_closed_is_closed),
		CASE(what_looks_is_closed_after_everything_is_freed),
		CASE(a_file_that_is_closed_is_not_tried_again),
		CASE(unmapping_ends_with_its_file),
		CASE(an_unmapping_that_nobody_asked_about_outlives_its_file),
		CASE(nothing_goes_over_smb_until_the_mapping_is_known_to_be_gone),
		CASE(the_end_of_the_session_proves_that_the_mapping_is_gone),
		CASE(a_last_commit_that_fails_loses_what_was_written),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
