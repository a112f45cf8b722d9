/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/mpa.h"

#include "rdma/rdmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/iwarp_hex.h"

#define REQUEST_KEY "4d504120494420526571204672616d65"
#define REPLY_KEY "4d504120494420526570204672616d65"

static const struct mpa_terms plenty = {.revision = 2, .crc = true, .ird = 16, .ord = 16};

/* Layouts: RFC 5044 section 7.1.1, RFC 6581 section 9.1. */
static const struct known {
	const char *hex;
	struct mpa_frame f;
} known[] = {
	{REQUEST_KEY "40 01 0000", {.revision = 1, .crc = true}},
	{REQUEST_KEY "80 01 0003 616263",
		{.revision = 1, .markers = true, .private_data = {(const uint8_t *)"abc", 3}}},
	{REQUEST_KEY "50 02 0004 0010 0008",
		{.revision = 2, .crc = true, .enhanced = true, .ird = 16, .ord = 8}},
	{REQUEST_KEY "10 02 0004 c001 c002", {.revision = 2,
						     .enhanced = true,
						     .ird = 1,
						     .ord = 2,
						     .peer_to_peer = true,
						     .rtr = MPA_RTR_FPDU | MPA_RTR_WRITE | MPA_RTR_READ}},
	{REPLY_KEY "70 02 0004 3fff 0001", {.reply = true,
						   .revision = 2,
						   .crc = true,
						   .reject = true,
						   .enhanced = true,
						   .ird = 0x3fff,
						   .ord = 1}},
	{REPLY_KEY "50 02 0006 8001 8002 6869", {.reply = true,
							.revision = 2,
							.crc = true,
							.enhanced = true,
							.ird = 1,
							.ord = 2,
							.peer_to_peer = true,
							.rtr = MPA_RTR_WRITE,
							.private_data = {(const uint8_t *)"hi", 2}}},
};

static void assert_same_frame(const struct mpa_frame *a, const struct mpa_frame *b)
{
	assert_int_equal(a->reply, b->reply);
	assert_int_equal(a->revision, b->revision);
	assert_int_equal(a->markers, b->markers);
	assert_int_equal(a->crc, b->crc);
	assert_int_equal(a->reject, b->reject);
	assert_int_equal(a->enhanced, b->enhanced);
	assert_int_equal(a->ird, b->ird);
	assert_int_equal(a->ord, b->ord);
	assert_int_equal(a->peer_to_peer, b->peer_to_peer);
	assert_int_equal(a->rtr, b->rtr);
	assert_true(bytes_equal(a->private_data, b->private_data));
}

static void frames_are_as_the_rfc_lays_them_out(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint8_t wire[MPA_MAX_FRAME], out[MPA_MAX_FRAME];
		size_t n = from_hex(known[i].hex, wire, sizeof(wire));
		struct rd r = rd_over(BYTES(wire, n));
		struct wr w = wr_over(out, sizeof(out));
		struct mpa_frame f;

		assert_int_equal(mpa_frame_size(wire, known[i].f.reply), n);
		assert_int_equal(mpa_frame_size(wire, !known[i].f.reply), 0);
		assert_true(mpa_decode(&r, &f));
		assert_same_frame(&f, &known[i].f);
		mpa_encode(&w, &known[i].f);
		assert_false(w.bad);
		assert_hex(BYTES(out, w.pos), known[i].hex);
	}
}

static bool decodes(const uint8_t *wire, size_t n)
{
	struct rd r = rd_over(BYTES(wire, n));
	struct mpa_frame f;

	return mpa_decode(&r, &f);
}

static void frames_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		REQUEST_KEY,
		"4d504120494420526571204672616d66 40 01 0000", /* the key */
		REQUEST_KEY "40 01 0001",                      /* less private data than announced */
		REQUEST_KEY "40 01 0000 00",                   /* more */
		REQUEST_KEY "50 02 0003 000000",               /* half of the enhanced block */
		REQUEST_KEY "50 02 0000",
	};
	uint8_t wire[MPA_MAX_FRAME + 1] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(decodes(wire, from_hex(bad[i], wire, sizeof(wire))));
	for (size_t cut = 0; cut < MPA_HEADER_SIZE + 6; cut++) {
		from_hex(REPLY_KEY "50 02 0006 0001 0002 6869", wire, sizeof(wire));
		assert_false(decodes(wire, cut));
	}
}

static void private_data_has_a_limit(void **state)
{
	uint8_t wire[MPA_MAX_FRAME + 1] = {0};

	from_hex(REQUEST_KEY "40 01 0200", wire, sizeof(wire));
	assert_int_equal(mpa_frame_size(wire, false), MPA_MAX_FRAME);
	assert_true(decodes(wire, MPA_MAX_FRAME));
	from_hex(REQUEST_KEY "40 01 0201", wire, sizeof(wire));
	assert_int_equal(mpa_frame_size(wire, false), 0);
	assert_false(decodes(wire, MPA_MAX_FRAME + 1));
}

/* What a responder with `plenty` says to a request, and what it takes from it. */
static const struct answer {
	const char *request, *reply;
	bool rejected, crc;
	unsigned ird, ord;
} answers[] = {
	/* Each side's ORD is at most the other's IRD, and never 0. */
	{REQUEST_KEY "50 02 0004 0008 0004", REPLY_KEY "50 02 0004 0004 0008", false, true, 4, 8},
	{REQUEST_KEY "50 02 0004 0080 0080", REPLY_KEY "50 02 0004 0010 0010", false, true, 16, 16},
	{REQUEST_KEY "50 02 0004 0001 0000", REPLY_KEY "50 02 0004 0001 0001", false, true, 1, 1},
	{REQUEST_KEY "50 02 0004 0000 0000", REPLY_KEY "50 02 0004 0001 0001", false, true, 1, 1},
	/* CRC because we want it. */
	{REQUEST_KEY "10 02 0004 0008 0004", REPLY_KEY "50 02 0004 0004 0008", false, true, 4, 8},
	{REQUEST_KEY "00 01 0000", REPLY_KEY "40 01 0000", false, true, 16, 16},
	/* [MS-SMBD] 6.1, revision 1: echoed; the wrong way round, too; nonsense is bounded. */
	{REQUEST_KEY "40 01 0008 00000008 00000001", REPLY_KEY "40 01 0008 00000001 00000008", false, true, 1,
		8},
	{REQUEST_KEY "40 01 0008 08000000 01000000", REPLY_KEY "40 01 0008 00000001 00000008", false, true, 1,
		8},
	{REQUEST_KEY "40 01 0008 ffffffff 00000000", REPLY_KEY "40 01 0008 00000001 00000010", false, true, 1,
		16},
	{REQUEST_KEY "40 01 0003 616263", REPLY_KEY "40 01 0000", false, true, 16, 16},
	/* With revision 2 it counts, and is not echoed. */
	{REQUEST_KEY "50 02 000c 0008 0004 02000000 03000000", REPLY_KEY "50 02 0004 0003 0002", false, true,
		3, 2},
	{REQUEST_KEY "40 02 0000", REPLY_KEY "40 02 0000", false, true, 16, 16},
	/* Peer to peer: one of the indications offered, a Write first. */
	{REQUEST_KEY "50 02 0004 c008 c004", REPLY_KEY "50 02 0004 8004 8008", false, true, 4, 8},
	{REQUEST_KEY "50 02 0004 c008 4004", REPLY_KEY "50 02 0004 8004 4008", false, true, 4, 8},
	{REQUEST_KEY "50 02 0004 c008 0004", REPLY_KEY "50 02 0004 c004 0008", false, true, 4, 8},
	{REQUEST_KEY "50 02 0004 8008 0004", REPLY_KEY "50 02 0004 8004 8008", false, true, 4, 8},
	/* Refused: markers, revisions that there are none. */
	{REQUEST_KEY "c0 01 0000", REPLY_KEY "60 01 0000", true, true, 16, 16},
	{REQUEST_KEY "40 03 0000", REPLY_KEY "60 02 0000", true, true, 16, 16},
	{REQUEST_KEY "40 00 0000", REPLY_KEY "60 02 0000", true, true, 16, 16},
};

static void the_responder_answers_each_request(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		uint8_t wire[MPA_MAX_FRAME], out[MPA_MAX_FRAME], blob[MPA_SMBD_SIZE];
		struct rd r = rd_over(BYTES(wire, from_hex(a->request, wire, sizeof(wire))));
		struct wr w = wr_over(out, sizeof(out));
		struct mpa_frame request, reply;
		struct mpa_terms got;

		assert_true(mpa_decode(&r, &request));
		const char *why = mpa_answer(&request, &plenty, blob, &reply, &got);
		mpa_encode(&w, &reply);
		assert_int_equal(why != NULL, a->rejected);
		assert_hex(BYTES(out, w.pos), a->reply);
		assert_int_equal(got.crc, a->crc);
		assert_int_equal(got.ird, a->ird);
		assert_int_equal(got.ord, a->ord);
	}
}

static void the_crc_is_used_if_either_side_wants_it(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct mpa_terms ours = plenty, theirs = plenty, agreed, accepted;
		uint8_t blob[MPA_SMBD_SIZE];
		struct mpa_frame request, reply;
		unsigned error;

		ours.crc = i & 1;
		theirs.crc = i & 2;
		mpa_request(&ours, blob, &request);
		assert_null(mpa_answer(&request, &theirs, blob, &reply, &agreed));
		assert_null(mpa_accept(&reply, &ours, &accepted, &error));
		assert_int_equal(agreed.crc, i != 0);
		assert_int_equal(accepted.crc, i != 0);
	}
}

static void both_sides_agree_on_what_is_allowed(void **state)
{
	static const unsigned numbers[] = {1, 2, 7, 16, 1024};
	enum { N = ARRAY_SIZE(numbers) };

	for (unsigned i = 0; i < N * N * N * N * 2; i++) {
		struct mpa_terms a = {.revision = i % 2 ? 1 : 2,
			.crc = true,
			.ird = numbers[i / 2 % N],
			.ord = numbers[i / 2 / N % N]};
		struct mpa_terms b = {.revision = 2,
			.crc = true,
			.ird = numbers[i / 2 / N / N % N],
			.ord = numbers[i / 2 / N / N / N % N]};
		uint8_t blob_a[MPA_SMBD_SIZE], blob_b[MPA_SMBD_SIZE];
		struct mpa_terms agreed_a, agreed_b;
		struct mpa_frame request, reply;
		unsigned error;

		mpa_request(&a, blob_a, &request);
		assert_int_equal(request.private_data.len, a.revision == 1 ? MPA_SMBD_SIZE : 0);
		assert_null(mpa_answer(&request, &b, blob_b, &reply, &agreed_b));
		assert_null(mpa_accept(&reply, &a, &agreed_a, &error));
		assert_int_equal(agreed_a.revision, a.revision);
		assert_int_equal(agreed_b.revision, a.revision);
		assert_true(agreed_a.ord <= agreed_b.ird && agreed_b.ord <= agreed_a.ird);
		assert_true(agreed_a.ord && agreed_b.ord);
		assert_true(agreed_a.ord == a.ord || agreed_a.ord == b.ird);
	}
}

static const struct refusal {
	const char *reply;
	unsigned error;
} refusals[] = {
	{REPLY_KEY "70 02 0004 0001 0001", 0},             /* rejected */
	{REPLY_KEY "60 01 0000", 0},                       /* by who knows no revision 2 */
	{REPLY_KEY "70 02 0000", 0},                       /* without the block */
	{REPLY_KEY "d0 02 0004 0001 0001", 0},             /* markers */
	{REPLY_KEY "50 03 0004 0001 0001", ERR_MPA_FRAME}, /* revisions */
	{REPLY_KEY "40 00 0000", ERR_MPA_FRAME}, {REPLY_KEY "40 02 0000", ERR_MPA_FRAME}, /* not enhanced */
	{REPLY_KEY "50 02 0004 0001 0011", ERR_MPA_IRD}, /* its ORD is more than our IRD */
};

static void the_initiator_refuses_replies_that_break_the_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		uint8_t wire[MPA_MAX_FRAME];
		struct rd r = rd_over(BYTES(wire, from_hex(refusals[i].reply, wire, sizeof(wire))));
		struct mpa_frame reply;
		struct mpa_terms got;
		unsigned error = 99;

		assert_true(mpa_decode(&r, &reply));
		assert_non_null(mpa_accept(&reply, &plenty, &got, &error));
		assert_int_equal(error, refusals[i].error);
	}
}

static void a_responder_of_revision_1_is_taken(void **state)
{
	uint8_t wire[MPA_MAX_FRAME];
	struct rd r = rd_over(BYTES(wire, from_hex(REPLY_KEY "00 01 0000", wire, sizeof(wire))));
	struct mpa_terms want = plenty, got;
	struct mpa_frame reply;
	unsigned error;

	want.crc = false;
	assert_true(mpa_decode(&r, &reply));
	assert_null(mpa_accept(&reply, &want, &got, &error));
	assert_int_equal(got.revision, 1);
	assert_false(got.crc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_as_the_rfc_lays_them_out),
		cmocka_unit_test(frames_that_are_none_are_refused),
		cmocka_unit_test(private_data_has_a_limit),
		cmocka_unit_test(the_responder_answers_each_request),
		cmocka_unit_test(the_crc_is_used_if_either_side_wants_it),
		cmocka_unit_test(both_sides_agree_on_what_is_allowed),
		cmocka_unit_test(the_initiator_refuses_replies_that_break_the_rules),
		cmocka_unit_test(a_responder_of_revision_1_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
