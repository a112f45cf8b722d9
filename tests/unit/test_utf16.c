/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/utf16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	return talloc_free(*state);
}

#define U16(s) BYTES(s, sizeof(s) - 1)

/* Both directions agree on these: UTF-16LE and the UTF-8 that belongs to it. */
static const struct {
	struct bytes utf16;
	const char *utf8;
} pairs[] = {
	{{(const uint8_t *)"", 0}, ""},
	{{(const uint8_t *)"a\0", 2}, "a"},
	{{(const uint8_t *)"r\0e\0a\0d\0m\0e\0.\0t\0x\0t\0", 20}, "readme.txt"},
	{{(const uint8_t *)"a\0b\0c\0d\0e\0f\0g\0h\0\xE4\0i\0j\0", 22}, "abcdefgh\xC3\xA4ij"},
	{{(const uint8_t *)"\x7F\0\x80\0\xFF\x07\0\x08", 8}, "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80"},
	{{(const uint8_t *)"\xAC\x20\xFF\xFF", 4}, "\xE2\x82\xAC\xEF\xBF\xBF"},
	{{(const uint8_t *)"\x3D\xD8\0\xDE", 4}, "\xF0\x9F\x98\x80"},
	{{(const uint8_t *)"\xFF\xDB\xFF\xDF", 4}, "\xF4\x8F\xBF\xBF"},
	{{(const uint8_t *)"\0\xD8\0\xDC", 4}, "\xF0\x90\x80\x80"},
	/* lone surrogates in their WTF-8 form */
	{{(const uint8_t *)"\0\xD8", 2}, "\xED\xA0\x80"},
	{{(const uint8_t *)"\xFF\xDF", 2}, "\xED\xBF\xBF"},
	{{(const uint8_t *)"\0\xD8x\0", 4}, "\xED\xA0\x80x"},
	{{(const uint8_t *)"\0\xDC\0\xD8", 4}, "\xED\xB0\x80\xED\xA0\x80"},
	{{(const uint8_t *)"\0\xD8\0\xD8\0\xDC", 6}, "\xED\xA0\x80\xF0\x90\x80\x80"},
};

static void utf16_becomes_utf8(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char *s = utf16_to_utf8(*state, pairs[i].utf16);
		assert_non_null(s);
		assert_string_equal(s, pairs[i].utf8);
		assert_int_equal(talloc_get_size(s), strlen(s) + 1);
	}
}

static void utf8_becomes_utf16(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(utf16_length(pairs[i].utf8), pairs[i].utf16.len);
		struct bytes b = utf16_from_utf8(*state, pairs[i].utf8);
		assert_non_null(b.data);
		assert_true(bytes_equal(b, pairs[i].utf16));
	}
}

static void an_odd_length_is_refused(void **state)
{
	assert_null(utf16_to_utf8(*state, U16("a\0b")));
	assert_null(utf16_to_utf8(*state, U16("a")));
}

static void an_embedded_nul_is_refused_at_every_place(void **state)
{
	uint8_t units[2 * 21];

	for (size_t at = 0; at < 21; at++) {
		for (size_t i = 0; i < 21; i++) {
			units[2 * i] = i == at ? 0 : 'a';
			units[2 * i + 1] = 0;
		}
		assert_null(utf16_to_utf8(*state, BYTES(units, sizeof(units))));
	}
}

/* Every length and every place of the one letter that leaves the fast path, in exactly sized memory. */
static void the_fast_path_agrees_with_the_slow_one(void **state)
{
	for (size_t n = 1; n <= 40; n++) {
		for (size_t at = 0; at < n; at++) {
			uint8_t *units = malloc(2 * n);
			assert_non_null(units);
			for (size_t i = 0; i < n; i++) {
				units[2 * i] = i == at ? 0xE4 : (uint8_t)('!' + i);
				units[2 * i + 1] = 0;
			}
			char *s = utf16_to_utf8(*state, BYTES(units, 2 * n));
			assert_non_null(s);
			assert_int_equal(strlen(s), n + 1);
			assert_memory_equal(s + at, "\xC3\xA4", 2);
			for (size_t i = 0; i < n; i++)
				if (i != at)
					assert_int_equal(s[i + (i > at)], '!' + i);
			assert_true(bytes_equal(utf16_from_utf8(*state, s), BYTES(units, 2 * n)));
			talloc_free(s);
			free(units);
		}
	}
}

static void every_code_point_survives_a_round_trip(void **state)
{
	for (uint32_t cp = 1; cp <= 0x10FFFF; cp++) {
		uint8_t units[4];
		size_t len = 2;
		uint32_t first = cp < 0x10000 ? cp : 0xD800 + ((cp - 0x10000) >> 10);
		units[0] = (uint8_t)first;
		units[1] = (uint8_t)(first >> 8);
		if (cp >= 0x10000) {
			uint32_t second = 0xDC00 + ((cp - 0x10000) & 0x3FF);
			units[2] = (uint8_t)second;
			units[3] = (uint8_t)(second >> 8);
			len = 4;
		}
		char *s = utf16_to_utf8(*state, BYTES(units, len));
		assert_non_null(s);
		struct bytes back = utf16_from_utf8(s, s);
		if (!bytes_equal(back, BYTES(units, len)))
			fail_msg("U+%04X differs after a round trip", cp);
		talloc_free(s);
	}
}

static const char *const ill_formed[] = {
	"\x80",
	"\xBF",
	"abcdefgh\x80",
	"\xC0\x80",
	"\xC1\xBF",
	"\xC3",
	"\xC3(",
	"\xE0\x80\x80",
	"\xE0\x9F\xBF",
	"\xE2\x82",
	"\xE2\x28\xA1",
	"\xF0\x80\x80\x80",
	"\xF0\x8F\xBF\xBF",
	"\xF4\x90\x80\x80",
	"\xF5\x80\x80\x80",
	"\xF8\x88\x80\x80\x80",
	"\xFF",
	"\xF0\x9F\x98",
	/* a pair of surrogates written as two halves would be a second spelling of U+10000 */
	"\xED\xA0\x80\xED\xB0\x80",
};

static void ill_formed_utf8_is_refused(void **state)
{
	uint8_t buf[64];

	for (size_t i = 0; i < ARRAY_SIZE(ill_formed); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		if (utf16_length(ill_formed[i]) != SIZE_MAX)
			fail_msg("number %zu is taken", i);
		wr_utf16(&w, ill_formed[i]);
		assert_true(w.bad);
		assert_null(utf16_from_utf8(*state, ill_formed[i]).data);
	}
}

static void writing_what_does_not_fit_is_bad(void **state)
{
	uint8_t buf[6];
	struct wr w = wr_over(buf, 6);

	wr_utf16(&w, "abc");
	assert_false(w.bad);
	assert_memory_equal(buf, "a\0b\0c\0", 6);
	w = wr_over(buf, 5);
	wr_utf16(&w, "abc");
	assert_true(w.bad);
	assert_int_equal(w.pos, 0);
}

static void upper_case_is_that_of_ntfs(void **state)
{
	static const struct {
		uint32_t from, to;
	} rows[] = {
		{'a', 'A'},
		{'z', 'Z'},
		{'A', 'A'},
		{'`', '`'},
		{'{', '{'},
		{'0', '0'},
		{0xE4, 0xC4},
		{0xF7, 0xF7},
		{0xFF, 0x178},
		{0x101, 0x100},
		{0x100, 0x100},
		{0x17E, 0x17D},
		{0x3C3, 0x3A3},
		{0x3C2, 0x3A3},
		{0x3C9, 0x3A9},
		{0x430, 0x410},
		{0x45F, 0x40F},
		{0x561, 0x531},
		{0x1E01, 0x1E00},
		{0x1F00, 0x1F08},
		{0x2170, 0x2160},
		{0x24D0, 0x24B6},
		{0xFF41, 0xFF21},
		{0x1C6, 0x1C4},
		/* no way back, or no partner of one code point */
		{0xDF, 0xDF},
		{0xB5, 0xB5},
		{0x131, 0x131},
		{0x17F, 0x17F},
		{0x3D0, 0x3D0},
		{0x130, 0x130},
		{0x10428, 0x10428},
		{0x10FFFF, 0x10FFFF},
		{0xD800, 0xD800},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (unicode_upcase(rows[i].from) != rows[i].to)
			fail_msg("U+%04X becomes U+%04X", rows[i].from, unicode_upcase(rows[i].from));
}

static void upper_case_of_upper_case_is_itself(void **state)
{
	for (uint32_t cp = 0; cp < 0x11000; cp++)
		assert_int_equal(unicode_upcase(unicode_upcase(cp)), unicode_upcase(cp));
}

static void names_compare_without_regard_to_case(void **state)
{
	assert_int_equal(name_casecmp("ReadMe.TXT", "readme.txt"), 0);
	assert_int_equal(name_casecmp("\xC3\x84rger", "\xC3\xA4RGER"), 0);
	assert_int_equal(name_casecmp("", ""), 0);
	assert_true(name_casecmp("a", "B") < 0);
	assert_true(name_casecmp("b", "A") > 0);
	assert_true(name_casecmp("abc", "abcd") < 0);
	assert_true(name_casecmp("abcd", "ABC") > 0);
	assert_true(name_casecmp("stra\xC3\x9F" "e", "STRASSE") != 0);
	assert_true(name_casecmp("[", "{") != 0);
}

/* Files of other origin carry such names: they are equal to themselves and to nothing else. */
static void ill_formed_names_are_equal_to_themselves_only(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ill_formed); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ill_formed); k++) {
			int order = name_casecmp(ill_formed[i], ill_formed[k]);
			assert_int_equal(order == 0, i == k);
			assert_int_equal(order, -name_casecmp(ill_formed[k], ill_formed[i]));
		}
	assert_true(name_casecmp("\xE4", "\xC4") != 0);
}

static void equal_names_have_equal_hashes(void **state)
{
	assert_true(name_casehash("ReadMe.TXT") == name_casehash("rEADmE.txt"));
	assert_true(name_casehash("\xC3\x84") == name_casehash("\xC3\xA4"));
	assert_true(name_casehash("\xCF\x82") == name_casehash("\xCF\x83"));
	assert_true(name_casehash("a") != name_casehash("b"));
	assert_true(name_casehash("ab") != name_casehash("ba"));
	assert_true(name_casehash("") != name_casehash("a"));
}

/* Tables take the low bits: of 4096 names that differ in a number only, no bucket of 4096 gets many. */
static void the_low_bits_of_the_hash_spread(void **state)
{
	static uint8_t bucket[4096];
	char name[32];
	unsigned most = 0;

	for (unsigned i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "file-%06u.dat", i);
		uint8_t *b = &bucket[name_casehash(name) % 4096];
		++*b;
		most = *b > most ? *b : most;
	}
	assert_true(most < 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(utf16_becomes_utf8, setup, teardown),
		cmocka_unit_test_setup_teardown(utf8_becomes_utf16, setup, teardown),
		cmocka_unit_test_setup_teardown(an_odd_length_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(an_embedded_nul_is_refused_at_every_place, setup, teardown),
		cmocka_unit_test_setup_teardown(the_fast_path_agrees_with_the_slow_one, setup, teardown),
		cmocka_unit_test_setup_teardown(every_code_point_survives_a_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(ill_formed_utf8_is_refused, setup, teardown),
		cmocka_unit_test(writing_what_does_not_fit_is_bad),
		cmocka_unit_test(upper_case_is_that_of_ntfs),
		cmocka_unit_test(upper_case_of_upper_case_is_itself),
		cmocka_unit_test(names_compare_without_regard_to_case),
		cmocka_unit_test(ill_formed_names_are_equal_to_themselves_only),
		cmocka_unit_test(equal_names_have_equal_hashes),
		cmocka_unit_test(the_low_bits_of_the_hash_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
