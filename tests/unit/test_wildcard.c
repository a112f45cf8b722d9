/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/vfs.h"
#include "vfs/wildcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

struct row {
	const char *pattern, *name;
	bool matches;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (vfs_wildcard_match(rows[i].pattern, rows[i].name) != rows[i].matches)
			fail_msg("'%s' on '%s' is not %d", rows[i].pattern, rows[i].name, rows[i].matches);
}

static void star_and_star_dot_star_match_everything(void **state)
{
	static const struct row rows[] = {{"*", "a", true}, {"*", ".", true}, {"*", "a.b.c", true},
		{"*.*", "a", true}, {"*.*", "a.b", true}, {"*", "", false}, {"", "a", false}, {"", "", true}};

	check(rows, ARRAY_SIZE(rows));
}

static void names_without_wildcards_match_themselves_in_any_case(void **state)
{
	static const struct row rows[] = {{"readme.TXT", "README.txt", true}, {"readme", "readme.txt", false},
		{"readme.txt", "readme", false}, {"\xC3\xA9t\xC3\xA9", "\xC3\x89T\xC3\x89", true},
		{"\xC3\xA9", "e", false}};

	check(rows, ARRAY_SIZE(rows));
}

static void star_matches_any_run_of_characters(void **state)
{
	static const struct row rows[] = {{"*.txt", "a.txt", true}, {"*.txt", ".txt", true},
		{"*.txt", "a.txt.bak", false}, {"a*", "a", true}, {"a*c", "abcabc", true},
		{"a*c", "abcab", false}, {"*b*", "abc", true}, {"*b*", "acd", false}, {"a**c", "ac", true},
		{"*.", "a", false}, {"*.", "a.", true}};

	check(rows, ARRAY_SIZE(rows));
}

static void question_mark_matches_one_utf16_unit(void **state)
{
	static const struct row rows[] = {{"?", "a", true}, {"?", "ab", false}, {"a?", "a", false},
		{"a?c", "a.c", true}, {"?", "\xC3\xA9", true}, {"?", "\xF0\x9F\x98\x80", false},
		{"??", "\xF0\x9F\x98\x80", true}};

	check(rows, ARRAY_SIZE(rows));
}

/* DOS_STAR '<': up to and not including the last period. */
static void dos_star_stops_at_the_last_period(void **state)
{
	static const struct row rows[] = {{"<", "abc", true}, {"<", "a.b", false}, {"<.b", "a.b", true},
		{"<.c", "a.b.c", true}, {"<.b", "a.b.c", false}, {"<.txt", ".txt", true}, {"<", "a.", false},
		{"<.<", "a.b", true}, {"<\"*", "a", true}, {"<\"*", "a.b", true}};

	check(rows, ARRAY_SIZE(rows));
}

/* DOS_QM '>': one character, or none before a period or at the end. */
static void dos_question_mark_may_match_nothing_before_a_period_or_at_the_end(void **state)
{
	static const struct row rows[] = {{">", "a", true}, {">", "ab", false}, {"a>", "a", true},
		{"a>>>", "ab", true}, {">>>.txt", "ab.txt", true}, {">>>.txt", "abcd.txt", false},
		{">.b", ".b", true}, {"a>c", "abc", true}, {"a>c", "ac", false}};

	check(rows, ARRAY_SIZE(rows));
}

/* DOS_DOT '"': a period, or nothing at the end of the name. */
static void dos_dot_matches_a_period_or_the_end(void **state)
{
	static const struct row rows[] = {{"a\"b", "a.b", true}, {"a\"b", "ab", false}, {"a\"", "a", true},
		{"a\"", "a.", true}, {"a\"\"", "a", true}, {"*\"", "abc", true}, {"a\"", "ab", false}};

	check(rows, ARRAY_SIZE(rows));
}

/* What cmd.exe sends for "dir *." and "dir ????.???" */
static void patterns_of_old_programs_work(void **state)
{
	static const struct row rows[] = {{"<", "README", true}, {"<", "README.TXT", false},
		{">>>>\">>>", "abc.c", true}, {">>>>\">>>", "abcd", true}, {">>>>\">>>", "abcde", false},
		{">>>>\">>>", "ab.cdef", false}};

	check(rows, ARRAY_SIZE(rows));
}

static void evil_patterns_take_bounded_time(void **state)
{
	char pattern[513], name[256];

	for (size_t i = 0; i < 512; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[511] = 'b';
	pattern[512] = 0;
	memset(name, 'a', 255);
	name[255] = 0;
	assert_false(vfs_wildcard_match(pattern, name));
	memset(pattern, '<', 512);
	assert_true(vfs_wildcard_match(pattern, name));
}

static void lists_match_if_any_pattern_does(void **state)
{
	static const char *const patterns[] = {"*.tmp", "~*", NULL}, *const none[] = {NULL};
	struct wildcard **list;

	assert_int_equal(wildcard_list_new(patterns, &list), 0);
	assert_true(wildcard_any(list, "x.TMP"));
	assert_true(wildcard_any(list, "~x"));
	assert_false(wildcard_any(list, "x"));
	wildcard_list_free(list);
	assert_int_equal(wildcard_list_new(none, &list), 0);
	assert_null(list);
	assert_int_equal(wildcard_list_new(NULL, &list), 0);
	assert_false(wildcard_any(NULL, "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(star_and_star_dot_star_match_everything),
		cmocka_unit_test(names_without_wildcards_match_themselves_in_any_case),
		cmocka_unit_test(star_matches_any_run_of_characters),
		cmocka_unit_test(question_mark_matches_one_utf16_unit),
		cmocka_unit_test(dos_star_stops_at_the_last_period),
		cmocka_unit_test(dos_question_mark_may_match_nothing_before_a_period_or_at_the_end),
		cmocka_unit_test(dos_dot_matches_a_period_or_the_end),
		cmocka_unit_test(patterns_of_old_programs_work),
		cmocka_unit_test(evil_patterns_take_bounded_time),
		cmocka_unit_test(lists_match_if_any_pattern_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
