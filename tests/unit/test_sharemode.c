/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/bytes.h"
#include "smbd/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Every bit that share modes look at, and one of each kind that they do not. */
static const uint32_t bits[] = {FILE_READ_DATA, FILE_WRITE_DATA, FILE_APPEND_DATA, FILE_EXECUTE, ACCESS_DELETE,
	FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES, ACCESS_READ_CONTROL, ACCESS_SYNCHRONIZE, FILE_READ_EA};
enum { COMBINATIONS = 1 << ARRAY_SIZE(bits), SHARES = 8 };

static uint32_t combination(unsigned n)
{
	uint32_t access = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		access |= n >> i & 1 ? bits[i] : 0;
	return access;
}

static bool reads(uint32_t a)
{
	return a & (FILE_READ_DATA | FILE_EXECUTE);
}

static bool writes(uint32_t a)
{
	return a & (FILE_WRITE_DATA | FILE_APPEND_DATA);
}

static bool deletes(uint32_t a)
{
	return a & ACCESS_DELETE;
}

/* One direction of [MS-FSA] 2.1.5.1.2.2: what the one does, the other must share. */
static bool shared(uint32_t access, uint32_t share)
{
	return (!reads(access) || (share & FILE_SHARE_READ)) && (!writes(access) || (share & FILE_SHARE_WRITE)) &&
	       (!deletes(access) || (share & FILE_SHARE_DELETE));
}

static bool touches_data(uint32_t a)
{
	return reads(a) || writes(a) || deletes(a);
}

static void all_combinations_follow_the_rule(void **state)
{
	for (unsigned a = 0; a < COMBINATIONS; a++)
		for (unsigned b = 0; b < COMBINATIONS; b++)
			for (uint32_t s = 0; s < SHARES * SHARES; s++) {
				uint32_t x = combination(a), y = combination(b), xs = s % SHARES, ys = s / SHARES;
				bool want = touches_data(x) && touches_data(y) && !(shared(x, ys) && shared(y, xs));
				if (share_modes_conflict(x, xs, y, ys) != want)
					fail_msg("access %x share %x beside access %x share %x", x, xs, y, ys);
			}
}

static void it_does_not_matter_who_came_first(void **state)
{
	for (unsigned a = 0; a < COMBINATIONS; a++)
		for (unsigned b = 0; b < a; b++)
			for (uint32_t s = 0; s < SHARES * SHARES; s++)
				if (share_modes_conflict(combination(a), s % SHARES, combination(b), s / SHARES) !=
					share_modes_conflict(combination(b), s / SHARES, combination(a), s % SHARES))
					fail_msg("%x and %x, sharing %x", combination(a), combination(b), s);
}

static void who_shares_all_and_is_met_by_one_who_shares_all_never_conflicts(void **state)
{
	for (unsigned a = 0; a < COMBINATIONS; a++)
		for (unsigned b = 0; b < COMBINATIONS; b++)
			assert_false(share_modes_conflict(combination(a), SHARES - 1, combination(b), SHARES - 1));
}

static void looking_at_attributes_disturbs_nobody(void **state)
{
	const uint32_t stat = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | ACCESS_READ_CONTROL | ACCESS_SYNCHRONIZE;

	assert_false(share_modes_conflict(stat, 0, FILE_ALL_ACCESS, 0));
	assert_false(share_modes_conflict(FILE_ALL_ACCESS, 0, stat, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_combinations_follow_the_rule),
		cmocka_unit_test(it_does_not_matter_who_came_first),
		cmocka_unit_test(who_shares_all_and_is_met_by_one_who_shares_all_never_conflicts),
		cmocka_unit_test(looking_at_attributes_disturbs_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
