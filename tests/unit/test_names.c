/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/names.h"
#include "core/bytes.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static size_t encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* No client may be shown a character that it cannot use. */
static void assert_usable(const char *client)
{
	size_t len = strlen(client);

	assert_int_equal(strcspn(client, "\"*:<>?\\|/"), len);
	for (size_t i = 0; i < len; i++)
		assert_true((uint8_t)client[i] >= 0x20);
	assert_true(len > 0 && client[len - 1] != ' ' && client[len - 1] != '.');
}

static void assert_round_trip(const char *disk)
{
	char client[NAME_CLIENT_MAX], back[PATH_MAX];
	size_t len = name_to_client(disk, client);

	assert_int_equal(strlen(client), len);
	assert_usable(client);
	assert_int_equal(path_to_disk(client, back, sizeof(back)), 0);
	assert_string_equal(back, disk);
}

static void every_code_point_comes_back_first_inside_and_last(void **state)
{
	for (uint32_t c = 1; c <= 0x10FFFF; c++) {
		char name[16];
		if (c == '/')
			continue;
		size_t n = encode(c, name + 1);
		name[0] = 'a';
		name[n + 1] = 0;
		assert_round_trip(name);
		name[n + 1] = 'b';
		name[n + 2] = 0;
		assert_round_trip(name);
		if (c != '.')
			assert_round_trip(name + 1);
	}
}

static void every_pair_of_bytes_comes_back(void **state)
{
	for (unsigned a = 1; a < 256; a++) {
		for (unsigned b = 1; b < 256; b++) {
			char name[] = {(char)a, (char)b, 0},
			     longer[] = {'x', (char)a, (char)b, (char)0x80, 0};
			if (a == '/' || b == '/' || (a == '.' && b == '.'))
				continue;
			assert_round_trip(name);
			assert_round_trip(longer);
		}
	}
}

static void characters_map_as_macintoshes_and_linux_do(void **state)
{
	static const struct {
		const char *disk, *client;
	} rows[] = {{"\x01", "\xEF\x80\x81"}, {"\x1F", "\xEF\x80\x9F"}, {"\"", "\xEF\x80\xA0"},
		{"*", "\xEF\x80\xA1"}, {":", "\xEF\x80\xA2"}, {"<", "\xEF\x80\xA3"}, {">", "\xEF\x80\xA4"},
		{"?", "\xEF\x80\xA5"}, {"\\", "\xEF\x80\xA6"}, {"|", "\xEF\x80\xA7"}, {"a ", "a\xEF\x80\xA8"},
		{"a.", "a\xEF\x80\xA9"}, {" .a. b", " .a. b"}, {"...", "..\xEF\x80\xA9"},
		{"\x80", "\xEE\xBE\x80"}, {"\xFF", "\xEE\xBF\xBF"}, {"\xC3\xA9", "\xC3\xA9"},
		{"\x7F", "\x7F"}};
	char client[NAME_CLIENT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		name_to_client(rows[i].disk, client);
		assert_string_equal(client, rows[i].client);
	}
}

/* A private character on disk is not taken for a mapped one, so two files are never shown under one name. */
static void private_characters_on_disk_keep_their_own_names(void **state)
{
	char one[NAME_CLIENT_MAX], two[NAME_CLIENT_MAX];

	name_to_client("*", one);
	name_to_client("\xEF\x80\xA1", two);
	assert_string_not_equal(one, two);
	name_to_client("\xFF", one);
	name_to_client("\xEE\xBF\xBF", two);
	assert_string_not_equal(one, two);
}

static void surrogates_survive_alone_and_in_pairs(void **state)
{
	char client[NAME_CLIENT_MAX];

	name_to_client("a\xED\xA0\x80", client);
	assert_string_equal(client, "a\xED\xA0\x80");
	assert_round_trip("\xED\xA0\x80\xED\xB0\x80"); /* in UTF-16 this would be one character */
	name_to_client("\xED\xA0\x80\xED\xB0\x80", client);
	assert_null(strstr(client, "\xED\xA0\x80\xED\xB0\x80"));
	assert_round_trip("\xED\xB0\x80\xED\xA0\x80");
}

static void the_longest_name_fits(void **state)
{
	char name[NAME_DISK_MAX + 1];

	memset(name, 0xFF, NAME_DISK_MAX);
	name[NAME_DISK_MAX] = 0;
	assert_round_trip(name);
	memset(name, '*', NAME_DISK_MAX);
	assert_round_trip(name);
}

static int to_disk(const char *client, char out[PATH_MAX])
{
	return path_to_disk(client, out, PATH_MAX);
}

static void paths_are_mapped_component_by_component(void **state)
{
	char out[PATH_MAX];

	assert_int_equal(to_disk("", out), 0);
	assert_string_equal(out, "");
	assert_int_equal(to_disk("a/b\xEF\x80\xA1/c\xEF\x80\xA9", out), 0);
	assert_string_equal(out, "a/b*/c.");
	assert_int_equal(to_disk("a\xEF\x80\xA9/b", out), 0); /* the last of a component, not of the path */
	assert_string_equal(out, "a./b");
}

static void paths_that_are_no_paths_are_refused(void **state)
{
	static const char *const invalid[] = {"/", "/a", "a/", "a//b", ".", "..", "a/.", "../a", "a/../b"};
	static const char *const illegal[] = {"\xFF", "a/\xC3", "\xC0\xAF", "\xE0\x80\xAF",
		"\xF4\x90\x80\x80", "\xEF\x80\xA9", /* would be "." */
		".\xEF\x80\xA9",                    /* would be ".." */
		"a/.\xEF\x80\xA9/b",
		"\xEE\xBF\x83\xEE\xBE\xA9" /* escaped bytes that are valid UTF-8 have a plain form */};
	char out[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		assert_int_equal(to_disk(invalid[i], out), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(illegal); i++)
		assert_int_equal(to_disk(illegal[i], out), -EILSEQ);
}

static void lengths_are_limited(void **state)
{
	char path[PATH_MAX + 10], out[PATH_MAX];

	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? '/' : 'a';
	path[sizeof(path) - 1] = 0;
	assert_int_equal(to_disk(path, out), -ENAMETOOLONG);
	path[PATH_MAX - 1] = 0; /* ends in 'a' */
	assert_int_equal(to_disk(path, out), 0);
	memset(path, 'a', 256);
	path[256] = 0;
	assert_int_equal(to_disk(path, out), -ENAMETOOLONG);
	for (size_t i = 0; i < 256; i++)
		memcpy(path + 3 * i, "\xEF\x80\xA1", 4);
	assert_int_equal(to_disk(path, out), -ENAMETOOLONG);
	path[3 * 255] = 0;
	assert_int_equal(to_disk(path, out), 0);
	assert_int_equal(path_to_disk("abc", out, 4), 0);
	assert_int_equal(path_to_disk("abc", out, 3), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_comes_back_first_inside_and_last),
		cmocka_unit_test(every_pair_of_bytes_comes_back),
		cmocka_unit_test(characters_map_as_macintoshes_and_linux_do),
		cmocka_unit_test(private_characters_on_disk_keep_their_own_names),
		cmocka_unit_test(surrogates_survive_alone_and_in_pairs),
		cmocka_unit_test(the_longest_name_fits),
		cmocka_unit_test(paths_are_mapped_component_by_component),
		cmocka_unit_test(paths_that_are_no_paths_are_refused),
		cmocka_unit_test(lengths_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
