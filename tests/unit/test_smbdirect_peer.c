/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/smbdirect_rig.h"

/* A session whose peer is a program that says what it likes. */

static const struct smbdirect_data plain = {.credits_requested = 10, .credits_granted = 10, .data.len = 100};

/* What the specification demands of the peer; each is the end of the connection. */
static void messages_against_the_rules_end_the_session(void **state)
{
	static const struct {
		struct smbdirect_data d;
		const char *why;
	} cases[] = {
		{{.credits_requested = 0, .data.len = 1}, "a message that requests no credits"},
		{{.credits_requested = 1, .remaining_data_length = 1}, "a fragment without data"},
		{{.credits_requested = 1, .remaining_data_length = 1 << 20, .data.len = 1},
			"a message that is longer than agreed"},
		{{.credits_requested = 1, .remaining_data_length = UINT32_MAX, .data.len = 1000},
			"a message that is longer than agreed"},
		{{.credits_requested = 1, .data.len = 1025 - 24}, "a Send that is longer than agreed"},
	};

	for (unsigned which = 0; which < 2; which++)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct rig_raw raw;
			struct rig *r = rig_with_raw(&raw, which, rig_defaults, 10);

			raw_send_data(&raw, cases[i].d);
			expect_end(r, &raw, cases[i].why);
		}
}

static void fragments_that_do_not_fit_end_the_session(void **state)
{
	static const struct {
		uint32_t remaining[3];
		size_t len[3];
	} cases[] = {
		{{200, 101}, {100, 100}},
		{{200, 99}, {100, 100}},
		{{200, 0}, {100, 100}},
		{{200, 0}, {100, 201}},
		{{200, 200}, {100, 100}},
		{{200, 100, 100}, {100, 100, 100}},
		{{1, 1048000}, {100, 2}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig_raw raw;
		struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 10);

		for (int k = 0; k < 3 && cases[i].len[k]; k++)
			raw_send_data(&raw, (struct smbdirect_data){.credits_requested = 10,
						    .remaining_data_length = cases[i].remaining[k],
						    .data.len = cases[i].len[k]});
		expect_end(r, &raw, "fragments that do not fit each other");
	}
}

static void malformed_messages_end_the_session(void **state)
{
	static const struct {
		size_t len;
		uint8_t bytes[32];
	} cases[] = {
		{0, {0}},
		{19, {1}},
		{20, {[0] = 1, [12] = 24, [16] = 1}},
		{32, {[0] = 1, [12] = 25, [16] = 1}},
		{32, {[0] = 1, [12] = 8, [16] = 8}},
		/* a second negotiate request: 1364, 1364, 1 MiB */
		{20, {0, 1, 0, 1, 0, 0, 255, 0, 0x54, 5, 0, 0, 0x54, 5, 0, 0, 0, 0, 16, 0}},
		/* and one with sizes of 8192 */
		{20, {0, 1, 0, 1, 0, 0, 255, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0, 0, 16, 0}},
	};

	for (unsigned which = 0; which < 2; which++)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct rig_raw raw;
			struct rig *r = rig_with_raw(&raw, which, rig_defaults, 10);

			raw_send(&raw, cases[i].bytes, cases[i].len);
			expect_end(r, &raw, "malformed message");
		}
}

static void a_peer_that_sends_without_a_credit_is_cut_off(void **state)
{
	struct smbdirect_params p = rig_defaults;
	struct rig_raw raw;
	struct rig *r;

	p.credits = 4;
	r = rig_with_raw(&raw, 1, p, 10);
	smbdirect_hold(r->side[0].s, true);
	for (int i = 0; i < 5; i++)
		raw_send_data(&raw, plain);
	rig_quiet(r);
	assert_int_equal(r->side[0].received, 4);
	expect_end(r, &raw, "a message without a credit");
}

/* It ends with messages under way, and the owner closes when it sees the first of them again. */
static void a_session_may_be_closed_while_a_bad_peer_is_cut_off(void **state)
{
	for (unsigned at = 1; at <= 6; at++) {
		struct rig_raw raw;
		struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 4);
		struct rig_side *side = &r->side[1];

		side->close_in = RIG_DONE;
		side->close_at = at;
		raw_send(&raw, "", 1);
		for (int i = 0; i < 6; i++) /* for the last there are no credits */
			rig_send(side, 600, 1);
		rig_quiet(r);
		assert_null(side->s);
		assert_int_equal(side->done, 6);
		assert_int_equal(side->failed, 6);
		assert_int_equal(talloc_total_blocks(r->mem), 1);
		assert_int_equal(raw.ended, 1);
		rig_free_raw(r, &raw);
	}
}

static void what_was_refused_is_done_before_the_end(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 4);

	raw_send(&raw, "", 1);
	rig_send(&r->side[1], 0, 1);
	assert_int_equal(r->side[1].done, 0);
	expect_end(r, &raw, "malformed message");
}

/* Two endless messages at once are not to be had, so the memory of one is the limit. */
static void fragments_that_never_end_hold_one_message_of_memory(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 255);

	raw_send_data(&raw, (struct smbdirect_data){255, 255, 0, 1000000, {NULL, 1000}});
	for (int i = 1; i < 900; i++) {
		raw_send_data(&raw, (struct smbdirect_data){255, 1, 0, 1000000 - i * 1000, {NULL, 1000}});
		rig_quiet(r);
	}
	assert_int_equal(r->side[0].reserved, 1);
	assert_int_equal(r->side[0].received, 0);
	rig_free_raw(r, &raw);
}

static void fragments_may_be_short_and_have_credits_between_them(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 255);
	struct smbdirect_data credits = {255, 1, 0, 0, {NULL, 0}};

	for (uint32_t left = 50; left--;) {
		raw_send_data(&raw, (struct smbdirect_data){255, 1, 0, left, {NULL, 1}});
		raw_send_data(&raw, credits);
	}
	rig_quiet(r);
	assert_int_equal(r->side[0].received, 1);
	assert_int_equal(r->side[0].bytes, 50);
	assert_int_equal(r->side[0].ended, 0);
	rig_free_raw(r, &raw);
}

static void more_credits_than_can_be_are_no_harm(void **state)
{
	struct smbdirect_facts f;
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 10);

	for (int i = 0; i < 5; i++)
		raw_send_data(&raw, (struct smbdirect_data){65535, 65535, 0, 0, {NULL, 1}});
	rig_quiet(r);
	smbdirect_facts(r->side[0].s, &f);
	assert_in_range(f.send_credits, 65000, 65535);
	assert_in_range(f.receive_credits, 5, 255);
	rig_free_raw(r, &raw);
}

/* 3.1.5.6 */
static void negotiate_requests_out_of_range_end_the_session(void **state)
{
	static const struct smbdirect_negotiate_req cases[] = {
		{0x100, 0x100, 0, 1024, 1024, 131072},
		{0x100, 0x100, 10, 1024, 127, 131072},
		{0x100, 0x100, 10, 1024, 1024, 131071},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig *r = rig_bare();
		struct rig_raw raw = {0};
		uint8_t buf[20];
		struct wr w = wr_over(buf, sizeof(buf));

		raw_start(r, &raw, 1);
		rig_start(r, 0, rig_defaults);
		smbdirect_negotiate_req_encode(&w, &cases[i]);
		rig_quiet(r);
		raw_send(&raw, buf, sizeof(buf));
		rig_quiet(r);
		assert_int_equal(raw.received, 0);
		expect_end(r, &raw, "negotiate request with sizes or credits out of range");
	}
}

static void a_negotiate_request_that_is_cut_short_ends_the_session(void **state)
{
	struct rig *r = rig_bare();
	struct rig_raw raw = {0};

	raw_start(r, &raw, 1);
	rig_start(r, 0, rig_defaults);
	rig_quiet(r);
	raw_send(&raw, "\0\1\0\1\0\0\x0A\0\0\4\0\0\0\4\0\0\0\0\2", 19);
	expect_end(r, &raw, "malformed negotiate request");
}

/* 3.1.5.3: what is not said there is 0. */
static void other_versions_are_refused_with_a_response(void **state)
{
	static const uint8_t refusal[32] = {0, 1, 0, 1, [12] = 0xBB, 0, 0, 0xC0};
	static const uint16_t versions[][2] = {{0x101, 0x200}, {0, 0xFF}, {0x200, 0x100}};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct rig *r = rig_bare();
		struct rig_raw raw = {0};
		uint8_t buf[20];
		struct wr w = wr_over(buf, sizeof(buf));

		raw_start(r, &raw, 1);
		rig_start(r, 0, rig_defaults);
		smbdirect_negotiate_req_encode(&w, &(struct smbdirect_negotiate_req){versions[i][0],
							   versions[i][1], 10, 1024, 1024, 131072});
		rig_quiet(r);
		raw_send(&raw, buf, sizeof(buf));
		raw_send(&raw, buf, sizeof(buf)); /* which nobody hears any more */
		rig_quiet(r);
		assert_int_equal(raw.received, 1);
		assert_int_equal(raw.len, sizeof(refusal));
		assert_memory_equal(raw.last, refusal, sizeof(refusal));
		assert_int_equal(r->side[0].established, 0);
		expect_end(r, &raw, "no common version");
	}
}

static void sends_of_128_bytes_are_always_taken(void **state)
{
	struct rig *r = rig_bare();
	struct rig_raw raw = {0};
	struct smbdirect_facts f;
	uint8_t buf[20];
	struct wr w = wr_over(buf, sizeof(buf));

	raw_start(r, &raw, 1);
	rig_start(r, 0, rig_defaults);
	smbdirect_negotiate_req_encode(
		&w, &(struct smbdirect_negotiate_req){0x100, 0x100, 10, 1, 128, 131072});
	rig_quiet(r);
	raw_send(&raw, buf, sizeof(buf));
	raw_send_data(&raw,
		(struct smbdirect_data){.credits_requested = 10, .credits_granted = 10, .data.len = 104});
	rig_quiet(r);
	smbdirect_facts(r->side[0].s, &f);
	assert_int_equal(f.receive_size, 128);
	assert_int_equal(f.send_size, 128);
	assert_int_equal(r->side[0].received, 1);
	rig_free_raw(r, &raw);
}

static void a_range_of_versions_with_ours_in_it_is_taken(void **state)
{
	struct rig *r = rig_bare();
	struct rig_raw raw = {0};
	uint8_t buf[20];
	struct wr w = wr_over(buf, sizeof(buf));
	static const uint8_t expected[32] = {0, 1, 0, 1, 0, 1, 0, 0, 255, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0x80, 0,
		0, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0x10, 0};

	raw_start(r, &raw, 1);
	rig_start(r, 0, rig_defaults);
	smbdirect_negotiate_req_encode(
		&w, &(struct smbdirect_negotiate_req){0, 0x300, 10, 512, 1024, 131072});
	rig_quiet(r);
	raw_send(&raw, buf, sizeof(buf));
	rig_quiet(r);
	assert_int_equal(r->side[0].established, 1);
	assert_int_equal(raw.len, sizeof(expected));
	assert_memory_equal(raw.last, expected, sizeof(expected));
	rig_free_raw(r, &raw);
}

/* 3.1.5.7 */
static void negotiate_responses_out_of_range_end_the_session(void **state)
{
	static const struct {
		struct smbdirect_negotiate_rsp p;
		const char *why;
	} cases[] = {
		{{0x100, 0x100, 0x100, 10, 0, 0, 1 << 20, 1024, 1024, 131072},
			"negotiate response with sizes or credits out of range"},
		{{0x100, 0x100, 0x100, 0, 10, 0, 1 << 20, 1024, 1024, 131072},
			"negotiate response with sizes or credits out of range"},
		{{0x100, 0x100, 0x100, 10, 10, 0, 1 << 20, 1365, 1024, 131072},
			"negotiate response with sizes or credits out of range"},
		{{0x100, 0x100, 0x100, 10, 10, 0, 1 << 20, 1024, 127, 131072},
			"negotiate response with sizes or credits out of range"},
		{{0x100, 0x100, 0x100, 10, 10, 0, 1 << 20, 1024, 1024, 131071},
			"negotiate response with sizes or credits out of range"},
		{{0x100, 0x100, 0x101, 10, 10, 0, 1 << 20, 1024, 1024, 131072},
			"the peer has chosen a version that was not offered"},
		{{0x100, 0x100, .status = STATUS_NOT_SUPPORTED}, "the peer does not speak SMB Direct 1.0"},
		{{0x100, 0x100, .status = STATUS_INSUFFICIENT_RESOURCES}, "the peer refuses to negotiate"},
	};

	for (size_t i = 0; i <= ARRAY_SIZE(cases); i++) {
		struct rig *r = rig_bare();
		struct rig_raw raw = {0};
		uint8_t buf[32];
		struct wr w = wr_over(buf, sizeof(buf));

		raw_start(r, &raw, 0);
		rig_start(r, 1, rig_defaults);
		rig_quiet(r);
		if (i < ARRAY_SIZE(cases)) {
			smbdirect_negotiate_rsp_encode(&w, &cases[i].p);
			raw_send(&raw, buf, sizeof(buf));
			expect_end(r, &raw, cases[i].why);
		} else {
			raw_send(&raw, buf, sizeof(buf) - 1);
			expect_end(r, &raw, "malformed negotiate response");
		}
	}
}

static void the_request_has_the_bytes_that_peers_know(void **state)
{
	static const uint8_t expected[] = {
		0, 1, 0, 1, 0, 0, 255, 0, 0x54, 5, 0, 0, 0x54, 5, 0, 0, 0, 0, 16, 0};
	struct rig *r = rig_bare();
	struct rig_raw raw = {0};

	raw_start(r, &raw, 0);
	rig_start(r, 1, rig_defaults);
	rig_quiet(r);
	assert_int_equal(raw.len, sizeof(expected));
	assert_memory_equal(raw.last, expected, sizeof(expected));
	rig_free_raw(r, &raw);
}

/* The acceptor cannot speak before it was given credits: the initiator gives them, with data or without. */
static void the_initiator_speaks_first(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 10);

	assert_int_equal(raw.received, 2);
	assert_int_equal(raw_last_data(&raw).data.len, 0);
	assert_int_equal(raw_last_data(&raw).credits_granted, 10);
	assert_int_equal(raw_last_data(&raw).credits_requested, 255);
	rig_free_raw(r, &raw);
}

static void a_message_goes_out_in_the_bytes_that_peers_know(void **state)
{
	static const uint8_t header[] = {
		255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0};
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 10);

	rig_send(&r->side[1], 3, 2);
	rig_quiet(r);
	assert_int_equal(raw.len, 27);
	assert_memory_equal(raw.last, header, 24);
	for (int i = 0; i < 3; i++)
		assert_int_equal(raw.last[24 + i], rig_byte(1, 0, i));
	rig_free_raw(r, &raw);
}

/* Data waits for credits, one Send for each. */
static void data_waits_for_credits(void **state)
{
	struct smbdirect_data give = {10, 1, 0, 0, {NULL, 0}};
	struct smbdirect_facts f;
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 10);

	rig_send(&r->side[0], 2500, 1);
	rig_quiet(r);
	assert_int_equal(raw.received, 1);
	for (uint32_t left = 2500; left; give.credits_granted = 1) {
		unsigned before = raw.received;
		uint32_t now = left < 1000 ? left : 1000;

		smbdirect_facts(r->side[0].s, &f);
		assert_int_equal(f.queued, 1);
		raw_send_data(&raw, give);
		rig_quiet(r);
		left -= now;
		assert_int_equal(raw.received, before + 1);
		assert_int_equal(raw_last_data(&raw).data.len, now);
		assert_int_equal(raw_last_data(&raw).remaining_data_length, left);
		assert_true(raw_last_data(&raw).credits_granted > 0);
	}
	smbdirect_facts(r->side[0].s, &f);
	assert_int_equal(f.queued, 0);
	assert_int_equal(r->side[0].done, 1);
	rig_free_raw(r, &raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_against_the_rules_end_the_session),
		cmocka_unit_test(fragments_that_do_not_fit_end_the_session),
		cmocka_unit_test(malformed_messages_end_the_session),
		cmocka_unit_test(a_peer_that_sends_without_a_credit_is_cut_off),
		cmocka_unit_test(a_session_may_be_closed_while_a_bad_peer_is_cut_off),
		cmocka_unit_test(what_was_refused_is_done_before_the_end),
		cmocka_unit_test(fragments_that_never_end_hold_one_message_of_memory),
		cmocka_unit_test(fragments_may_be_short_and_have_credits_between_them),
		cmocka_unit_test(more_credits_than_can_be_are_no_harm),
		cmocka_unit_test(negotiate_requests_out_of_range_end_the_session),
		cmocka_unit_test(a_negotiate_request_that_is_cut_short_ends_the_session),
		cmocka_unit_test(other_versions_are_refused_with_a_response),
		cmocka_unit_test(sends_of_128_bytes_are_always_taken),
		cmocka_unit_test(a_range_of_versions_with_ours_in_it_is_taken),
		cmocka_unit_test(negotiate_responses_out_of_range_end_the_session),
		cmocka_unit_test(the_request_has_the_bytes_that_peers_know),
		cmocka_unit_test(the_initiator_speaks_first),
		cmocka_unit_test(a_message_goes_out_in_the_bytes_that_peers_know),
		cmocka_unit_test(data_waits_for_credits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
