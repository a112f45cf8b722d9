/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Regions of mapped files when things cross: losses, breaks, and what is freed meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/clock.h"
#include "tests/unit/client_pmem_rig.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* ---- a channel that says nothing ---- */

static int listener = -1;

/* A port that takes connections and never answers; there is no channel yet. */
static void silent_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	direct->host = "127.0.0.1";
	direct->port = ntohs(a.sin_port);
	direct->channel = NULL;
	direct->on_channel = NULL;
	rig.conn->server_capabilities = SMB2_GLOBAL_CAP_MULTI_CHANNEL;
}

static int silent_teardown(void **state)
{
	if (listener >= 0)
		close(listener);
	listener = -1;
	return teardown(state);
}

static struct tevent_req *maps(void)
{
	struct tevent_req *req =
		rig_watch(&rig, daxsmb_map_send(rig.ev, file, OFFSET, LENGTH, PMEM_ACCESS_WRITE));

	rig_run(&rig);
	assert_int_equal(rig.ended, 0);
	return req;
}

static void a_break_does_not_wait_for_a_channel_that_is_not_there(void **state)
{
	struct tevent_req *req;

	silent_port();
	open_file();
	req = maps();
	assert_non_null(direct->connecting);
	lease_breaks(SMB2_LEASE_READ, true);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	assert_int_equal(rig.ended, 0);
	talloc_free(req);
}

static void a_mapping_does_not_come_back_by_a_channel_that_is_not_there(void **state)
{
	map(PMEM_ACCESS_WRITE);
	channel_ends();
	silent_port();
	while (!region->request)
		tevent_loop_once(rig.ev);
	lease_breaks(SMB2_LEASE_READ, true);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	rig_watch(&rig, daxsmb_unmap_send(rig.ev, region));
	rig_run(&rig);
	ended_with(1, STATUS_SUCCESS);
}

enum { REVOKE_MS = 80 };

/* It ends before the server would take everything away, and not at once. */
static void channel_is_given_up(uint64_t since_ns)
{
	while (!channel.closed)
		tevent_loop_once(rig.ev);
	assert_true(clock_now_ns() - since_ns >= REVOKE_MS / 2 * 1000000ULL);
	rig_run(&rig);
}

static void a_break_does_not_wait_for_an_rdma_write_for_ever(void **state)
{
	uint64_t now = clock_now_ns();

	map(PMEM_ACCESS_WRITE);
	file->offer.revoke_timeout = REVOKE_MS;
	write_at(0, 10);
	lease_breaks(SMB2_LEASE_READ, true);
	channel_is_given_up(now);
	gone_is_confirmed();
	acknowledged_with(rig.sent_count - 2, SMB2_LEASE_READ);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	ended_with(1, STATUS_SUCCESS);
}

static void a_break_does_not_wait_for_the_answer_to_a_map_for_ever(void **state)
{
	struct tevent_req *req;
	uint64_t now = clock_now_ns();

	open_file();
	file->offer.revoke_timeout = REVOKE_MS;
	req = maps();
	asked(&channel, SMB2_IOCTL);
	lease_breaks(SMB2_LEASE_READ, true);
	channel_is_given_up(now);
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	ended_with(1, STATUS_SUCCESS);
	assert_status(daxsmb_map_recv(req, &region), STATUS_SUCCESS);
	assert_int_equal(region->state, REGION_SMB);
}

static void a_break_that_is_over_costs_no_channel(void **state)
{
	map(PMEM_ACCESS_WRITE);
	file->offer.revoke_timeout = 60000;
	lease_breaks(SMB2_LEASE_READ, true);
	assert_non_null(file->patience);
	gives_back();
	acknowledged_with(asked(&rig, SMB2_OPLOCK_BREAK), SMB2_LEASE_READ);
	assert_null(file->patience);
	assert_false(channel.closed);
}

/* ---- a file that goes before its first MAP is answered ---- */

static void a_map_ends_with_its_file(void **state)
{
	struct tevent_req *req;

	open_file();
	req = maps();
	TALLOC_FREE(file);
	rig_run(&rig);
	ended_with(1, STATUS_CANCELLED);
	answer(&channel, asked(&channel, SMB2_IOCTL), STATUS_NOT_FOUND);
	assert_status(daxsmb_map_recv(req, &region), STATUS_CANCELLED);
	talloc_free(req);
}

static void a_map_ends_with_its_file_before_there_is_a_channel(void **state)
{
	struct tevent_req *req;

	silent_port();
	open_file();
	req = maps();
	TALLOC_FREE(file);
	rig_run(&rig);
	ended_with(1, STATUS_CANCELLED);
	talloc_free(req);
}

static void a_map_ends_when_its_file_is_closed(void **state)
{
	struct tevent_req *req, *closing;

	open_file();
	req = maps();
	closing = rig_watch(&rig, daxsmb_file_close_send(rig.ev, file));
	rig_run(&rig);
	ended_with(1, STATUS_CANCELLED);
	answer_map(asked(&channel, SMB2_IOCTL), PMEM_ACCESS_WRITE); /* to nobody */
	answer(&rig, asked(&rig, SMB2_CLOSE), STATUS_FILE_CLOSED);
	ended_with(2, STATUS_FILE_CLOSED);
	talloc_free(closing);
	assert_status(daxsmb_map_recv(req, &region), STATUS_CANCELLED);
	talloc_free(req);
}

static void a_map_that_nobody_asked_about_is_gone_with_its_file(void **state)
{
	struct tevent_req *req;

	open_file();
	req = maps();
	answer_map(asked(&channel, SMB2_IOCTL), PMEM_ACCESS_WRITE);
	TALLOC_FREE(file);
	ended_with(1, STATUS_SUCCESS);
	assert_status(daxsmb_map_recv(req, &region), STATUS_CANCELLED);
	talloc_free(req);
}

static void a_map_that_was_refused_outlives_its_file(void **state)
{
	struct tevent_req *req;

	open_file();
	req = maps();
	answer(&channel, asked(&channel, SMB2_IOCTL), STATUS_END_OF_FILE);
	ended_with(1, STATUS_END_OF_FILE);
	TALLOC_FREE(file);
	talloc_free(req);
}

#define SILENT(name) cmocka_unit_test_setup_teardown(name, setup, silent_teardown)

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
		SILENT(a_break_does_not_wait_for_a_channel_that_is_not_there),
		SILENT(a_mapping_does_not_come_back_by_a_channel_that_is_not_there),
		CASE(a_break_does_not_wait_for_an_rdma_write_for_ever),
		CASE(a_break_does_not_wait_for_the_answer_to_a_map_for_ever),
		CASE(a_break_that_is_over_costs_no_channel),
		CASE(a_map_ends_with_its_file),
		SILENT(a_map_ends_with_its_file_before_there_is_a_channel),
		CASE(a_map_ends_when_its_file_is_closed),
		CASE(a_map_that_nobody_asked_about_is_gone_with_its_file),
		CASE(a_map_that_was_refused_outlives_its_file),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
