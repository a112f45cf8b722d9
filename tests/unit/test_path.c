/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define assert_status(got, want) assert_int_equal((got), (ntstatus_t)(want))

enum { ROOM = 1024 };

static ntstatus_t normalize(const char *in, char out[ROOM])
{
	snprintf(out, ROOM, "%s", in);
	return path_normalize(out);
}

static void expect_path(const char *in, const char *want)
{
	char out[ROOM];

	if (normalize(in, out) != STATUS_SUCCESS || strcmp(out, want) != 0)
		fail_msg("\"%s\" became \"%s\", not \"%s\"", in, out, want);
}

static void expect_refusal(const char *in, ntstatus_t want)
{
	char out[ROOM];
	ntstatus_t got = normalize(in, out);

	if (got != want)
		fail_msg("\"%s\": status %x, not %x", in, got, want);
}

static void components_are_separated_by_backslashes(void **state)
{
	expect_path("", "");
	expect_path("a", "a");
	expect_path("a\\b\\c", "a/b/c");
	expect_path("...", "...");
	expect_path("..a\\b..", "..a/b..");
	expect_path(".hidden", ".hidden");
	expect_path(" spaced ", " spaced ");
}

static void one_separator_at_the_end_is_forgiven(void **state)
{
	expect_path("a\\", "a");
	expect_path("a\\b\\", "a/b");
}

static void empty_components_are_invalid(void **state)
{
	expect_refusal("a\\\\b", STATUS_OBJECT_NAME_INVALID);
	expect_refusal("a\\\\", STATUS_OBJECT_NAME_INVALID);
	expect_refusal("a\\b\\\\", STATUS_OBJECT_NAME_INVALID);
	expect_refusal("a\\\\\\", STATUS_OBJECT_NAME_INVALID);
}

static void separator_at_the_start_is_an_invalid_parameter(void **state)
{
	expect_refusal("\\", STATUS_INVALID_PARAMETER);
	expect_refusal("\\a", STATUS_INVALID_PARAMETER);
	expect_refusal("\\\\server\\share", STATUS_INVALID_PARAMETER);
}

static void dots_name_no_component(void **state)
{
	expect_refusal(".", STATUS_OBJECT_NAME_INVALID);
	expect_refusal("a\\.", STATUS_OBJECT_NAME_INVALID);
	expect_refusal(".\\a", STATUS_OBJECT_NAME_INVALID);
	expect_refusal("..", STATUS_OBJECT_PATH_SYNTAX_BAD);
	expect_refusal("..\\a", STATUS_OBJECT_PATH_SYNTAX_BAD);
	expect_refusal("a\\..\\b", STATUS_OBJECT_PATH_SYNTAX_BAD);
	expect_refusal("a\\..", STATUS_OBJECT_PATH_SYNTAX_BAD);
	expect_refusal("a\\..\\", STATUS_OBJECT_PATH_SYNTAX_BAD);
	expect_refusal("..::$DATA", STATUS_OBJECT_PATH_SYNTAX_BAD);
}

static void every_forbidden_character_is_refused_anywhere(void **state)
{
	char name[4];

	for (int c = 1; c < 256; c++) {
		bool forbidden = c < 0x20 || strchr("\"*/:<>?|", c);
		for (int at = 0; at < 3; at++) {
			char out[ROOM];
			memcpy(name, "abc", 4);
			name[at] = (char)c;
			if (c != '\\')
				assert_int_equal(normalize(name, out) == STATUS_OBJECT_NAME_INVALID, forbidden);
		}
	}
}

static void data_stream_is_the_file_itself(void **state)
{
	expect_path("a::$DATA", "a");
	expect_path("a::$data", "a");
	expect_path("d\\a::$DATA", "d/a");
}

static void other_streams_are_invalid(void **state)
{
	static const char *const names[] = {"a:b", "a:b:$DATA", ":b", "::$DATA", "a:", "a::", "a::$DATA:", "a::$INDEX_ALLOCATION",
		"a::$DATA\\b", "a::$DATA\\", "d\\::$DATA", "d\\:b"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_refusal(names[i], STATUS_OBJECT_NAME_INVALID);
}

static void component_has_at_most_255_utf16_units(void **state)
{
	char name[ROOM] = "";

	memset(name, 'x', 255);
	expect_path(name, name);
	strcat(name, "x");
	expect_refusal(name, STATUS_OBJECT_NAME_INVALID);
	name[0] = '\0';
	for (int i = 0; i < 127; i++)
		strcat(name, "\xF0\x9F\x98\x80"); /* two units each */
	strcat(name, "x");
	expect_path(name, name);
	strcat(name, "x");
	expect_refusal(name, STATUS_OBJECT_NAME_INVALID);
}

static ntstatus_t from_wire(TALLOC_CTX *mem, const void *utf16, size_t len, char **out)
{
	return path_from_wire(mem, BYTES(utf16, len), out);
}

static void name_from_the_wire_has_no_nul_and_no_half_unit(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	char *out;

	assert_status(from_wire(mem, "a\0b\0", 4, &out), STATUS_SUCCESS);
	assert_string_equal(out, "ab");
	assert_status(from_wire(mem, "a\0b\0", 3, &out), STATUS_OBJECT_NAME_INVALID);
	assert_status(from_wire(mem, "a\0\0\0b\0", 6, &out), STATUS_OBJECT_NAME_INVALID);
	assert_status(from_wire(mem, "\0\0", 2, &out), STATUS_OBJECT_NAME_INVALID);
	assert_status(from_wire(mem, ".\0.\0", 4, &out), STATUS_OBJECT_PATH_SYNTAX_BAD);
	assert_status(from_wire(mem, NULL, 0, &out), STATUS_SUCCESS);
	assert_string_equal(out, "");
	talloc_free(mem);
}

static void what_clients_see_has_backslashes(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	assert_string_equal(path_to_wire(mem, "a/b/c", true), "\\a\\b\\c");
	assert_string_equal(path_to_wire(mem, "a/b/c", false), "a\\b\\c");
	assert_string_equal(path_to_wire(mem, "", true), "\\");
	talloc_free(mem);
}

/* Whatever is accepted has no component that the file room could take for another folder. */
static void no_short_name_is_accepted_with_a_component_that_leads_elsewhere(void **state)
{
	static const char letters[] = "a.\\:/";
	char name[6] = "", out[ROOM];

	for (int n = 0; n < 5 * 5 * 5 * 5 * 5; n++) {
		for (int i = 0, v = n; i < 5; i++, v /= 5)
			name[i] = letters[v % 5];
		for (size_t len = 1; len <= 5; len++) {
			char cut[6];
			snprintf(cut, len + 1, "%s", name);
			if (normalize(cut, out) != STATUS_SUCCESS)
				continue;
			for (char *p = out, *end; p; p = end) {
				end = strchr(p, '/');
				if (end)
					*end++ = '\0';
				assert_true(*p || !end);
				assert_false(strcmp(p, ".") == 0 || strcmp(p, "..") == 0 || strpbrk(p, "\\:"));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_separated_by_backslashes),
		cmocka_unit_test(one_separator_at_the_end_is_forgiven),
		cmocka_unit_test(empty_components_are_invalid),
		cmocka_unit_test(separator_at_the_start_is_an_invalid_parameter),
		cmocka_unit_test(dots_name_no_component),
		cmocka_unit_test(every_forbidden_character_is_refused_anywhere),
		cmocka_unit_test(data_stream_is_the_file_itself),
		cmocka_unit_test(other_streams_are_invalid),
		cmocka_unit_test(component_has_at_most_255_utf16_units),
		cmocka_unit_test(name_from_the_wire_has_no_nul_and_no_half_unit),
		cmocka_unit_test(what_clients_see_has_backslashes),
		cmocka_unit_test(no_short_name_is_accepted_with_a_component_that_leads_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
