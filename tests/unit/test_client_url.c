/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "client/cli.h"
#include "client/path.h"

static void expect(const char *text, const char *host, unsigned port, const char *share, const char *path)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct daxsmb_url u;

	assert_true(daxsmb_url_parse(mem, text, &u));
	assert_string_equal(u.host, host);
	assert_int_equal(u.port, port);
	assert_string_equal(u.share, share);
	assert_string_equal(u.path, path);
	talloc_free(mem);
}

static void refuse(const char *text)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct daxsmb_url u;

	assert_false(daxsmb_url_parse(mem, text, &u));
	talloc_free(mem);
}

static void the_usual_shapes_are_taken_apart(void **state)
{
	expect("//host/share", "host", 0, "share", "");
	expect("//host/share/", "host", 0, "share", "");
	expect("//host/share/a/b c", "host", 0, "share", "a\\b c");
	expect("//host:1445/share/a", "host", 1445, "share", "a");
	expect("smb://host/share/a", "host", 0, "share", "a");
	expect("SMB://host:5/share", "host", 5, "share", "");
	expect("\\\\host\\share\\a\\b", "host", 0, "share", "a\\b");
	expect("//host", "host", 0, "", "");
}

static void ipv6_addresses_stand_in_brackets(void **state)
{
	expect("//[::1]/share/x", "::1", 0, "share", "x");
	expect("//[fe80::1]:99/share", "fe80::1", 99, "share", "");
	refuse("//[::1/share");
	refuse("//[::1]x/share");
	refuse("//[]/share");
}

static void doubled_and_trailing_separators_do_not_count(void **state)
{
	expect("//host/share//a///b//", "host", 0, "share", "a\\b");
	expect("//host//share/a", "host", 0, "share", "a");
}

static void what_is_no_url_is_refused(void **state)
{
	refuse("");
	refuse("/");
	refuse("host/share");
	refuse("/host/share");
	refuse("///share");
	refuse("//:445/share");
	refuse("//host:/share");
	refuse("//host:0/share");
	refuse("//host:65536/share");
	refuse("//host:99999999999/share");
	refuse("//host:4x/share");
	refuse("http://host/share");
}

static void sizes_have_binary_units(void **state)
{
	uint64_t v;

	assert_true(cli_size("1", &v) && v == 1);
	assert_true(cli_size("4k", &v) && v == 4096);
	assert_true(cli_size("4KiB", &v) && v == 4096);
	assert_true(cli_size("2M", &v) && v == 2 << 20);
	assert_true(cli_size("1gb", &v) && v == 1 << 30);
	assert_true(cli_size("1T", &v) && v == 1ull << 40);
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "0", "-1", "k", "4q", "4kk", "1.5k", " 4", "99999999999999999999", "99999999T"};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(cli_size(bad[i], &v));
}

static void a_user_may_bring_domain_and_password(void **state)
{
	struct cli *cli = talloc_zero(NULL, struct cli);
	char arg[] = "DOM\\ann%p%w";

	assert_true(cli_credentials(cli, arg));
	assert_string_equal(cli->options.domain, "DOM");
	assert_string_equal(cli->options.user, "ann");
	assert_string_equal(cli->options.password, "p%w");
	assert_string_equal(arg, "DOM\\ann%");
	talloc_free(cli);
}

static void a_user_without_a_name_is_refused(void **state)
{
	struct cli *cli = talloc_zero(NULL, struct cli);
	char nobody[] = "%secret", domain[] = "DOM\\";

	assert_false(cli_credentials(cli, nobody));
	assert_false(cli_credentials(cli, domain));
	talloc_free(cli);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_shapes_are_taken_apart),
		cmocka_unit_test(ipv6_addresses_stand_in_brackets),
		cmocka_unit_test(doubled_and_trailing_separators_do_not_count),
		cmocka_unit_test(what_is_no_url_is_refused),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(a_user_may_bring_domain_and_password),
		cmocka_unit_test(a_user_without_a_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
