/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/rpc_world.h"

#include <time.h>

static void a_list_shows_browseable_shares_only(void **state)
{
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	struct srvsvc_share_enum_rsp rsp = share_enum(w, list_all);
	assert_int_equal(rsp.werror, 0);
	assert_int_equal(rsp.count, 3);
	assert_int_equal(rsp.total, 3);
	assert_string_equal(rsp.shares[0].name, "data");
	assert_string_equal(rsp.shares[0].comment, "A share of data");
	assert_string_equal(rsp.shares[1].name, "latin");
	assert_string_equal(rsp.shares[1].comment, ""); /* what is not UTF-8 cannot be sent */
	assert_string_equal(rsp.shares[2].name, "IPC$");
	assert_int_equal(rsp.shares[2].type, STYPE_IPC | STYPE_SPECIAL);
}

static void paths_are_for_administrators(void **state)
{
	static const uint32_t levels[] = {2, 501, 502};
	struct world *w = *state;
	struct srvsvc_share_enum_req q = list_all;

	bind_srvsvc(w, 4280);
	q.level = 2;
	struct srvsvc_share_enum_rsp rsp = share_enum(w, q);
	assert_int_equal(rsp.werror, 0);
	assert_string_equal(rsp.shares[0].path, "C:\\srv\\data");
	assert_int_equal(rsp.shares[0].max_uses, 9);
	assert_int_equal(rsp.shares[1].max_uses, UINT32_MAX);
	w->env.user_is_admin = false;
	w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
	bind_srvsvc(w, 4280);
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		q.level = levels[i];
		rsp = share_enum(w, q);
		assert_int_equal(rsp.werror, WERR_ACCESS_DENIED);
		assert_null(rsp.shares);
	}
}

static void a_sticky_list_has_no_level_501(void **state)
{
	struct world *w = *state;
	struct srvsvc_share_enum_req q = list_all;
	struct srvsvc_share_enum_rsp rsp;

	bind_srvsvc(w, 4280);
	q.level = 501;
	assert_int_equal(share_enum(w, q).shares[1].flags, 0x30);
	struct bytes stub = call(w, SRVSVC_NET_SHARE_ENUM_STICKY, share_enum_stub(w, q));
	assert_true(srvsvc_share_enum_rsp_decode(w, stub, &rsp));
	assert_int_equal(rsp.werror, WERR_INVALID_LEVEL);
	q.level = 1;
	stub = call(w, SRVSVC_NET_SHARE_ENUM_STICKY, share_enum_stub(w, q));
	assert_true(srvsvc_share_enum_rsp_decode(w, stub, &rsp));
	assert_int_equal(rsp.count, 3);
}

static void an_unknown_level_is_an_error_and_no_fault(void **state)
{
	struct world *w = *state;
	struct srvsvc_share_enum_req q = list_all;

	bind_srvsvc(w, 4280);
	q.level = 1005;
	assert_int_equal(share_enum(w, q).werror, WERR_INVALID_LEVEL);
	q.level = 77;
	assert_int_equal(share_enum(w, q).werror, WERR_INVALID_LEVEL);
}

static void a_list_can_be_read_in_pieces(void **state)
{
	struct world *w = *state;
	struct srvsvc_share_enum_req q = {NULL, 0, 1, true, 0};
	static const char *const names[] = {"data", "latin", "IPC$"};

	bind_srvsvc(w, 4280);
	for (unsigned i = 0; i < 3; i++) {
		struct srvsvc_share_enum_rsp rsp = share_enum(w, q);
		assert_int_equal(rsp.count, 1);
		assert_int_equal(rsp.total, 3 - i);
		assert_string_equal(rsp.shares[0].name, names[i]);
		assert_true(rsp.has_resume);
		assert_int_equal(rsp.werror, i < 2 ? WERR_MORE_DATA : 0);
		assert_int_equal(rsp.resume, i < 2 ? i + 1 : 0);
		q.resume = rsp.resume;
	}
	q.resume = 1000;
	assert_int_equal(share_enum(w, q).count, 0);
}

static struct srvsvc_share_get_info_rsp get_share(struct world *world, const char *name, uint32_t level)
{
	struct srvsvc_share_get_info_req q = {NULL, name, level};
	struct srvsvc_share_get_info_rsp rsp = {0};
	uint8_t buf[512];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_get_info_req_encode(&w, &q);
	assert_true(srvsvc_share_get_info_rsp_decode(
		world, call(world, SRVSVC_NET_SHARE_GET_INFO, BYTES(buf, w.pos)), &rsp));
	assert_int_equal(rsp.level, level);
	assert_int_equal(rsp.present, rsp.werror == 0);
	return rsp;
}

static void a_share_is_found_by_its_name_in_any_case(void **state)
{
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	assert_string_equal(get_share(w, "DATA", 502).share.path, "C:\\srv\\data");
	assert_string_equal(get_share(w, "secret", 1).share.comment, "not for everybody");
	assert_int_equal(get_share(w, "latin", 1005).share.flags, 0x30);
	assert_int_equal(get_share(w, "nope", 1).werror, NERR_NET_NAME_NOT_FOUND);
	assert_int_equal(get_share(w, "data", 3).werror, WERR_INVALID_LEVEL);
	w->env.user_is_admin = false;
	w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
	bind_srvsvc(w, 4280);
	assert_int_equal(get_share(w, "data", 2).werror, WERR_ACCESS_DENIED);
	assert_int_equal(get_share(w, "data", 1).werror, 0);
	assert_int_equal(get_share(w, "data", 501).werror, 0);
}

static struct srvsvc_server_get_info_rsp get_server(struct world *world, uint32_t level)
{
	struct srvsvc_server_get_info_req q = {"\\\\SRV", level};
	struct srvsvc_server_get_info_rsp rsp = {0};
	uint8_t buf[512];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_server_get_info_req_encode(&w, &q);
	assert_true(srvsvc_server_get_info_rsp_decode(
		world, call(world, SRVSVC_NET_SERVER_GET_INFO, BYTES(buf, w.pos)), &rsp));
	return rsp;
}

static void the_server_says_what_it_is(void **state)
{
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	assert_string_equal(get_server(w, 100).server.name, "SRV");
	assert_string_equal(get_server(w, 101).server.comment, "a server");
	assert_true(get_server(w, 101).server.type & SV_TYPE_SERVER);
	assert_true(get_server(w, 102).present);
	assert_int_equal(get_server(w, 103).werror, WERR_INVALID_LEVEL);
	w->env.user_is_admin = false;
	w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
	bind_srvsvc(w, 4280);
	assert_int_equal(get_server(w, 102).werror, WERR_ACCESS_DENIED);
	assert_true(get_server(w, 101).present);
}

static void the_server_tells_the_time(void **state)
{
	struct world *w = *state;
	struct srvsvc_remote_tod_rsp rsp = {0};
	struct srvsvc_remote_tod_req q = {NULL};
	uint8_t buf[64];
	struct wr sw = wr_over(buf, sizeof(buf));
	time_t before = time(NULL);

	bind_srvsvc(w, 4280);
	srvsvc_remote_tod_req_encode(&sw, &q);
	assert_true(
		srvsvc_remote_tod_rsp_decode(w, call(w, SRVSVC_NET_REMOTE_TOD, BYTES(buf, sw.pos)), &rsp));
	assert_true(rsp.present);
	struct tm tm = {.tm_sec = (int)rsp.time.seconds,
		.tm_min = (int)rsp.time.minutes,
		.tm_hour = (int)rsp.time.hours,
		.tm_mday = (int)rsp.time.day,
		.tm_mon = (int)rsp.time.month - 1,
		.tm_year = (int)rsp.time.year - 1900};
	assert_int_equal(timegm(&tm), rsp.time.elapsed);
	assert_true(rsp.time.elapsed >= (uint32_t)before);
	assert_int_equal(tm.tm_wday, rsp.time.weekday);
}

static void the_workstation_service_says_which_group_it_is_in(void **state)
{
	static const uint32_t levels[] = {100, 101, 102, 103};
	struct world *w = *state;

	for (unsigned admin = 0; admin < 2; admin++) {
		w->env.user_is_admin = admin;
		w->pipe = rpc_pipe_open(w, "WKSSVC", &w->env);
		rpc_pipe_write(w->pipe,
			bind_pdu(w, DCERPC_BIND, 4280, context(w, 0, wkssvc_interface, dcerpc_ndr20), 1));
		next_answer(w);
		for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
			struct wkssvc_wksta_get_info_req q = {"\\\\SRV", levels[i]};
			struct wkssvc_wksta_get_info_rsp rsp = {0};
			uint32_t expected = i < 2 || (i == 2 && admin) ? 0
					    : i == 2                   ? WERR_ACCESS_DENIED
								       : WERR_INVALID_LEVEL;
			uint8_t buf[128];
			struct wr sw = wr_over(buf, sizeof(buf));

			wkssvc_wksta_get_info_req_encode(&sw, &q);
			assert_true(
				wkssvc_wksta_get_info_rsp_decode(w, call(w, 0, BYTES(buf, sw.pos)), &rsp));
			assert_int_equal(rsp.werror, expected);
			assert_int_equal(rsp.present, expected == 0);
			if (rsp.present) {
				assert_string_equal(rsp.wksta.computer_name, "SRV");
				assert_string_equal(rsp.wksta.domain, "GROUP");
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(a_list_shows_browseable_shares_only),
		with_world(paths_are_for_administrators),
		with_world(a_sticky_list_has_no_level_501),
		with_world(an_unknown_level_is_an_error_and_no_fault),
		with_world(a_list_can_be_read_in_pieces),
		with_world(a_share_is_found_by_its_name_in_any_case),
		with_world(the_server_says_what_it_is),
		with_world(the_server_tells_the_time),
		with_world(the_workstation_service_says_which_group_it_is_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
