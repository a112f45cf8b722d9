/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/lease.h"
#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { R = SMB2_LEASE_READ, H = SMB2_LEASE_HANDLE, W = SMB2_LEASE_WRITE, ALL = LEASE_ALL };

#define assert_status(got, want) assert_int_equal((ntstatus_t)(got), (ntstatus_t)(want))

static const uint8_t valid[] = {0, R, R | H, R | W, ALL};
static const uint8_t oplocks[] = {0, R, R | W, ALL};
static const uint8_t takes[LEASE_CAUSES] = {
	[LEASE_LOOK] = W,
	[LEASE_OPEN] = W,
	[LEASE_SHARING] = H,
	[LEASE_OVERWRITE] = ALL,
	[LEASE_DATA] = ALL,
	[LEASE_NAME] = H,
};

static bool is_one_of(const uint8_t *set, size_t n, uint8_t x)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == x)
			return true;
	return false;
}

static bool is_part(uint8_t a, uint8_t of)
{
	return !(a & ~of);
}

static bool felt(const struct lease_state *s, enum lease_cause cause)
{
	return s->is_oplock || cause != LEASE_LOOK;
}

/* ---- what holds in every state that can be reached, and for every step from one to another ---- */

static void check_state(const struct lease_state *s)
{
	assert_true(s->is_oplock ? is_one_of(oplocks, sizeof(oplocks), s->held) : is_one_of(valid, sizeof(valid), s->held));
	if (!s->breaking)
		return;
	assert_true(s->held & (W | H)); /* else there is nothing to wait for */
	assert_true(is_part(s->asked, s->held) && s->asked != s->held);
	assert_true(is_part(s->required, s->held) && s->required != s->held);
	assert_true(is_one_of(valid, sizeof(valid), s->asked) && is_one_of(valid, sizeof(valid), s->required));
	if (s->is_oplock)
		assert_true(is_part(s->asked, R) && is_part(s->required, R));
}

static void check_notice(const struct lease_notice *n, uint8_t held_before, const struct lease_state *after)
{
	assert_int_equal(n->from, held_before);
	assert_true(is_part(n->to, n->from) && n->to != n->from);
	assert_int_equal(n->ack, (n->from & (W | H)) != 0);
	assert_int_equal(after->breaking, n->ack);
	assert_int_equal(after->held, n->ack ? n->from : n->to);
	if (n->ack)
		assert_int_equal(after->asked, n->to);
}

/* Whoever waits gets on, if the holder answers as he is asked to, and nothing beyond what is required is left. */
static void check_ends(struct lease_state s)
{
	struct lease_notice n;
	uint8_t required = s.breaking ? s.required : s.held;
	bool more = true;
	int steps = 0;

	while (s.breaking) {
		assert_true(++steps <= 3);
		assert_status(lease_ack(&s, s.asked, &more, &n), STATUS_SUCCESS);
	}
	assert_true(is_part(s.held, required));
	for (int cause = 0; cause < LEASE_CAUSES; cause++)
		if (!(required & takes[cause]))
			assert_false(lease_blocks(&s, cause, true));
}

static struct lease_state try_break(struct lease_state s, enum lease_cause cause)
{
	struct lease_state before = s;
	struct lease_notice n;
	bool told = lease_break(&s, cause, &n);

	assert_int_equal(s.epoch, before.epoch + told);
	if (!felt(&before, cause)) {
		assert_memory_equal(&s, &before, sizeof(s));
		assert_false(lease_blocks(&s, cause, true));
		return s;
	}
	if (told) {
		assert_false(before.breaking);
		check_notice(&n, before.held, &s);
	} else {
		assert_int_equal(s.held, before.held);
		assert_int_equal(s.asked, before.asked);
	}
	uint8_t left = lease_valid(before.held & ~takes[cause]); /* that, and no more, is taken */
	if (s.is_oplock && left != before.held)
		left &= R;
	assert_int_equal(s.breaking ? s.required : s.held, before.breaking ? before.required & left : left);
	if (cause == LEASE_DATA)
		assert_false(lease_blocks(&s, cause, true));
	else if (lease_blocks(&s, cause, true))
		assert_true(s.breaking);
	if (lease_blocks(&s, cause, false))
		assert_true(lease_blocks(&s, cause, true));
	check_ends(s);
	return s;
}

static struct lease_state try_ack(struct lease_state s, uint32_t keeps)
{
	struct lease_state before = s;
	struct lease_notice n;
	bool more;
	ntstatus_t status = lease_ack(&s, keeps, &more, &n);

	if (!before.breaking)
		assert_status(status, STATUS_UNSUCCESSFUL);
	else if (keeps & ~(uint32_t)before.asked)
		assert_status(status, STATUS_REQUEST_NOT_ACCEPTED);
	else
		assert_status(status, STATUS_SUCCESS);
	if (status != STATUS_SUCCESS) {
		assert_memory_equal(&s, &before, sizeof(s));
		assert_false(more);
		return s;
	}
	assert_int_equal(s.epoch, before.epoch);
	assert_true(is_part(s.held, (uint8_t)keeps));
	if (more)
		check_notice(&n, lease_valid(keeps), &s);
	else
		assert_true(is_part(s.held, before.required));
	return s;
}

static struct lease_others others_from(unsigned bits)
{
	return (struct lease_others){.opens = bits & 8, .oplocks = bits & 16, .held = bits & ALL};
}

/* May these be held beside each other? */
static void check_beside(uint8_t mine, bool is_oplock, const struct lease_others *o)
{
	if (o->held & W)
		assert_int_equal(mine, 0);
	if (o->opens || o->held)
		assert_false(mine & W);
	if (is_oplock ? o->held & H : 0)
		assert_int_equal(mine, 0);
	if (o->oplocks)
		assert_false(mine & H);
}

static struct lease_state try_upgrade(struct lease_state s, uint8_t wish, unsigned bits)
{
	struct lease_others o = others_from(bits);
	struct lease_state before = s;

	if (!lease_upgrade(&s, wish, &o)) {
		assert_memory_equal(&s, &before, sizeof(s));
		return s;
	}
	assert_false(before.breaking);
	assert_true(is_part(before.held, s.held) && before.held != s.held);
	assert_true(is_part(s.held, lease_valid(wish)));
	if (before.held)
		assert_int_equal(s.held, lease_valid(wish));
	assert_int_equal(s.epoch, before.epoch + 1);
	check_beside(s.held, false, &o);
	return s;
}

/* Everything but the epoch, in 12 bits. */
static unsigned number_of(const struct lease_state *s)
{
	return s->held | (unsigned)s->is_oplock << 3 | (unsigned)s->breaking << 4 |
	       (s->breaking ? (unsigned)s->asked << 5 | (unsigned)s->required << 8 : 0);
}

static struct {
	struct lease_state queue[1 << 11];
	unsigned count;
	bool seen[1 << 11];
} reached;

static void reach(struct lease_state s)
{
	unsigned i = number_of(&s);

	check_state(&s);
	if (reached.seen[i])
		return;
	reached.seen[i] = true;
	s.epoch = 100;
	reached.queue[reached.count++] = s;
}

static void leave(struct lease_state s)
{
	struct lease_state expired = s;

	for (int cause = 0; cause < LEASE_CAUSES; cause++)
		reach(try_break(s, cause));
	for (uint32_t keeps = 0; keeps < 32; keeps++)
		reach(try_ack(s, keeps));
	try_ack(s, UINT32_MAX);
	for (unsigned wish = 0; !s.is_oplock && wish < 8; wish++)
		for (unsigned others = 0; others < 32; others++)
			reach(try_upgrade(s, (uint8_t)wish, others));
	if (!s.breaking)
		return;
	lease_expire(&expired);
	assert_int_equal(expired.held, 0);
	assert_false(expired.breaking);
	reach(expired);
}

static void every_state_that_can_be_reached_is_sound(void **state)
{
	memset(&reached, 0, sizeof(reached));
	for (size_t i = 0; i < sizeof(valid); i++)
		reach((struct lease_state){.held = valid[i]});
	for (size_t i = 0; i < sizeof(oplocks); i++)
		reach((struct lease_state){.held = oplocks[i], .is_oplock = true});
	for (unsigned i = 0; i < reached.count; i++)
		leave(reached.queue[i]);
	assert_true(reached.count > 20); /* more than the settled ones: breaks are among them */
}

static void whatever_is_granted_can_be_held_beside_what_others_have(void **state)
{
	for (unsigned wish = 0; wish < 256; wish++) {
		for (unsigned bits = 0; bits < 32; bits++) {
			struct lease_others o = others_from(bits);
			uint8_t lease = lease_grant((uint8_t)wish, false, &o), oplock = lease_grant((uint8_t)wish, true, &o);
			assert_true(is_part(lease, lease_valid(wish)) && is_part(oplock, lease_valid(wish)));
			assert_true(is_one_of(valid, sizeof(valid), lease));
			check_beside(lease, false, &o);
			check_beside(oplock, true, &o);
			assert_true(is_one_of(oplocks, sizeof(oplocks), oplock));
			if (!bits)
				assert_int_equal(lease, lease_valid(wish));
		}
	}
}

/* ---- the same in examples ---- */

static void state_without_read_caching_is_none(void **state)
{
	static const uint8_t expected[8] = {0, R, 0, R | H, 0, R | W, 0, ALL};

	for (uint32_t bits = 0; bits < 8; bits++) {
		assert_int_equal(lease_valid(bits), expected[bits]);
		assert_int_equal(lease_valid(bits | 0xFFFFFFF8), expected[bits]);
	}
}

static void opener_shares_what_the_holder_keeps(void **state)
{
	static const struct {
		uint8_t held, wish, left, granted;
		bool wish_oplock, held_oplock;
	} rows[] = {
		{R, ALL, R, R | H},
		{R, R | W, R, R},
		{R | H, ALL, R | H, R | H},
		{R | H, R | W, R | H, R},
		{R | W, ALL, R, R | H},
		{ALL, R, R | H, R},
		{ALL, ALL, R | H, R | H},
		{R, ALL, R, R, .wish_oplock = true},
		{R | W, R | W, R, R, .wish_oplock = true},
		{R | H, R, R | H, 0, .wish_oplock = true},
		{ALL, ALL, R | H, 0, .wish_oplock = true},
		{R, ALL, R, R, .held_oplock = true},
		{R | W, ALL, R, R, .held_oplock = true},
		{ALL, ALL, R, R, .held_oplock = true},
		{ALL, ALL, R, R, .wish_oplock = true, .held_oplock = true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lease_state s = {.held = rows[i].held, .is_oplock = rows[i].held_oplock};
		struct lease_notice n;
		bool more;
		if (lease_break(&s, LEASE_OPEN, &n))
			assert_status(lease_ack(&s, n.to, &more, &n), STATUS_SUCCESS);
		assert_int_equal(s.held, rows[i].left);
		struct lease_others o = {.opens = true, .oplocks = s.is_oplock && s.held, .held = s.held};
		assert_int_equal(lease_grant(rows[i].wish, rows[i].wish_oplock, &o), rows[i].granted);
	}
}

static void upgrade_gives_all_of_a_superset_or_nothing(void **state)
{
	static const struct {
		uint8_t held, others, wish, now;
	} rows[] = {
		{0, 0, ALL, ALL},
		{R, 0, R | W, R | W},
		{R | H, 0, R | W, R | H},
		{R | H, 0, R, R | H},
		{R | W, 0, ALL, ALL},
		{ALL, 0, 0, ALL},
		{R, R, R | H, R | H},
		{R, R, ALL, R},
		{R, R | H, R | W, R},
		{R | H, R, ALL, R | H},
		{0, R, ALL, R | H}, /* what has lost all begins anew */
		{0, ALL, R, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lease_state s = {.held = rows[i].held};
		struct lease_others o = {.opens = rows[i].others, .held = rows[i].others};
		assert_int_equal(lease_upgrade(&s, rows[i].wish, &o), rows[i].now != rows[i].held);
		assert_int_equal(s.held, rows[i].now);
	}
}

static void only_write_caching_is_waited_for_by_an_open(void **state)
{
	static const struct {
		uint8_t held;
		enum lease_cause cause;
		uint8_t to;
		bool ack, waits;
	} rows[] = {
		{R, LEASE_OVERWRITE, 0, false, false},
		{R | H, LEASE_OVERWRITE, 0, true, false},
		{R | W, LEASE_OVERWRITE, 0, true, true},
		{ALL, LEASE_OVERWRITE, 0, true, true},
		{ALL, LEASE_OPEN, R | H, true, true},
		{R | W, LEASE_OPEN, R, true, true},
		{ALL, LEASE_SHARING, R | W, true, true},
		{R | H, LEASE_SHARING, R, true, true},
		{R | H, LEASE_NAME, R, true, true},
		{R | H, LEASE_DATA, 0, true, false},
		{R, LEASE_DATA, 0, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lease_state s = {.held = rows[i].held};
		struct lease_notice n;
		assert_true(lease_break(&s, rows[i].cause, &n));
		assert_int_equal(n.to, rows[i].to);
		assert_int_equal(n.ack, rows[i].ack);
		assert_int_equal(lease_blocks(&s, rows[i].cause, false), rows[i].waits);
	}
}

static void share_modes_do_not_concern_who_caches_no_handle(void **state)
{
	struct lease_state s = {.held = R | W, .is_oplock = true};
	struct lease_notice n;

	assert_false(lease_break(&s, LEASE_SHARING, &n));
	assert_false(lease_blocks(&s, LEASE_SHARING, false));
	s.is_oplock = false;
	assert_false(lease_break(&s, LEASE_SHARING, &n));
	assert_false(lease_blocks(&s, LEASE_SHARING, false));
}

static void break_that_has_to_go_further_goes_in_steps(void **state)
{
	struct lease_state s = {.held = ALL, .epoch = 7};
	struct lease_notice n;
	bool more;

	assert_true(lease_break(&s, LEASE_OPEN, &n));
	assert_int_equal(n.to, R | H);
	assert_false(lease_break(&s, LEASE_OVERWRITE, &n)); /* he is asked one thing at a time */
	assert_status(lease_ack(&s, R | H, &more, &n), STATUS_SUCCESS);
	assert_true(more && n.from == (R | H) && n.to == R && n.ack);
	assert_true(lease_blocks(&s, LEASE_OPEN, true));   /* he who waited goes on waiting */
	assert_false(lease_blocks(&s, LEASE_OPEN, false)); /* there is no more write caching */
	assert_status(lease_ack(&s, R, &more, &n), STATUS_SUCCESS);
	assert_true(more && n.from == R && n.to == 0 && !n.ack);
	assert_int_equal(s.held, 0);
	assert_false(s.breaking || lease_blocks(&s, LEASE_OPEN, true));
	assert_int_equal(s.epoch, 8);
	assert_status(lease_ack(&s, 0, &more, &n), STATUS_UNSUCCESSFUL);
}

static void holder_may_give_up_more_than_he_is_asked_to(void **state)
{
	static const uint8_t kept[] = {0, R, R | H};

	for (size_t i = 0; i < sizeof(kept); i++) {
		struct lease_state s = {.held = ALL};
		struct lease_notice n;
		bool more;
		lease_break(&s, LEASE_OPEN, &n);
		assert_status(lease_ack(&s, kept[i], &more, &n), STATUS_SUCCESS);
		assert_false(more || s.breaking);
		assert_int_equal(s.held, kept[i]);
	}
}

static void security_descriptor_is_looked_at_beside_a_lease_but_not_beside_an_oplock(void **state)
{
	struct lease_state s = {.held = ALL};
	struct lease_notice n;

	assert_false(lease_break(&s, LEASE_LOOK, &n));
	assert_false(lease_blocks(&s, LEASE_LOOK, true));
	s.is_oplock = true;
	assert_true(lease_break(&s, LEASE_LOOK, &n));
	assert_int_equal(n.to, R);
	assert_true(lease_blocks(&s, LEASE_LOOK, false));
}

static void breaking_lease_is_not_upgraded(void **state)
{
	struct lease_state s = {.held = R | H};
	struct lease_others none = {0};
	struct lease_notice n;

	assert_true(lease_break(&s, LEASE_NAME, &n));
	assert_false(lease_upgrade(&s, ALL, &none));
	lease_expire(&s);
	assert_true(lease_upgrade(&s, ALL, &none));
	assert_int_equal(s.held, ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_that_can_be_reached_is_sound),
		cmocka_unit_test(whatever_is_granted_can_be_held_beside_what_others_have),
		cmocka_unit_test(state_without_read_caching_is_none),
		cmocka_unit_test(opener_shares_what_the_holder_keeps),
		cmocka_unit_test(upgrade_gives_all_of_a_superset_or_nothing),
		cmocka_unit_test(only_write_caching_is_waited_for_by_an_open),
		cmocka_unit_test(share_modes_do_not_concern_who_caches_no_handle),
		cmocka_unit_test(break_that_has_to_go_further_goes_in_steps),
		cmocka_unit_test(holder_may_give_up_more_than_he_is_asked_to),
		cmocka_unit_test(security_descriptor_is_looked_at_beside_a_lease_but_not_beside_an_oplock),
		cmocka_unit_test(breaking_lease_is_not_upgraded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
