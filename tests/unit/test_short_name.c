/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/short_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char *short_of(const char *name)
{
	static char out[SHORT_NAME_SIZE];

	memset(out, 'x', sizeof(out));
	short_name_of(name, out);
	assert_in_range(strlen(out), 1, SHORT_NAME_SIZE - 1);
	return out;
}

static void a_name_that_is_short_is_its_own_in_capitals(void **state)
{
	assert_string_equal(short_of("readme.txt"), "README.TXT");
	assert_string_equal(short_of("12345678"), "12345678");
	assert_false(short_name_is_made("README.TXT"));
}

static void a_long_name_gets_a_made_one(void **state)
{
	static const char *const names[] = {"a long name.text", "two.dots.c", "no_extension_here", ".profile", "\xc3\xa4.txt",
		"trailing.", "x.longextension", "sp ace", "123456789"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(short_name_is_made(short_of(names[i])));
}

static void the_extension_keeps_three_legal_letters(void **state)
{
	assert_string_equal(strchr(short_of("a long name.t e+xt"), '.'), ".TEX");
	assert_null(strchr(short_of("a long name without one"), '.'));
	assert_null(strchr(short_of("a long name.+++"), '.'));
}

static void case_does_not_matter(void **state)
{
	char first[SHORT_NAME_SIZE];

	short_name_of("Quarterly Report.docx", first);
	assert_string_equal(first, short_of("QUARTERLY report.DOCX"));
}

static void different_names_get_different_ones(void **state)
{
	char first[SHORT_NAME_SIZE];

	short_name_of("Quarterly Report 1.docx", first);
	assert_string_not_equal(first, short_of("Quarterly Report 2.docx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_is_short_is_its_own_in_capitals),
		cmocka_unit_test(a_long_name_gets_a_made_one),
		cmocka_unit_test(the_extension_keeps_three_legal_letters),
		cmocka_unit_test(case_does_not_matter),
		cmocka_unit_test(different_names_get_different_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
