/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/account.h"

#include "auth_rig.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

static char map[64];

static void write_map(const char *text)
{
	strcpy(map, "/tmp/username-map-XXXXXX");
	int fd = mkstemp(map);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_mapped(const char *text, const char *name, const char *domain, const char *want)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	write_map(text);
	assert_string_equal(username_map_apply(mem, map, name, domain), want);
	unlink(map);
	talloc_free(mem);
}

static void names_on_the_right_become_the_name_on_the_left(void **state)
{
	assert_mapped("root = admin administrator\n", "Administrator", "", "root");
	assert_mapped("root = admin administrator\n", "admin", "", "root");
	assert_mapped("root = admin administrator\n", "alice", "", "alice");
	assert_mapped("  root=admin", "admin", "", "root");
	assert_mapped("root = admin,\tboss\r\n", "boss", "", "root");
}

static void quotes_keep_blanks(void **state)
{
	assert_mapped("tridge = \"Andrew Tridgell\" at\n", "andrew tridgell", "", "tridge");
	assert_mapped("tridge = \"Andrew Tridgell\" at\n", "at", "", "tridge");
	assert_mapped("tridge = \"Andrew Tridgell\" at\n", "Andrew", "", "Andrew");
	assert_mapped("tridge = \"open", "open", "", "tridge");
}

static void domain_in_a_pattern_must_match_too(void **state)
{
	assert_mapped("alice = MicrosoftAccount\\alice@example.org\n", "alice@example.org",
		"microsoftaccount", "alice");
	assert_mapped("alice = MicrosoftAccount\\alice@example.org\n", "alice@example.org", "HOME",
		"alice@example.org");
}

static void comments_and_lines_without_equals_are_passed_over(void **state)
{
	assert_mapped("# x = alice\n; y = alice\nz alice\n\n = alice\nok = alice\n", "alice", "", "ok");
}

static void each_line_works_on_what_the_one_before_made(void **state)
{
	assert_mapped("b = a\nc = b\n", "a", "", "c");
	assert_mapped("c = b\nb = a\n", "a", "", "b");
}

static void exclamation_mark_stops_after_a_match_only(void **state)
{
	assert_mapped("!b = a\nc = b\n", "a", "", "b");
	assert_mapped("!b = x\nc = a\n", "a", "", "c");
	assert_mapped("!sys = mary fred\nguest = *\n", "fred", "", "sys");
	assert_mapped("!sys = mary fred\nguest = *\n", "eve", "", "guest");
}

static void members_of_a_group_are_matched(void **state)
{
	/* The account that runs the test is in its primary group. */
	struct passwd *p = getpwuid(getuid());
	assert_non_null(p);
	char *name = strdup(p->pw_name);
	struct group *g = getgrgid(p->pw_gid);
	char text[256];

	assert_non_null(g);
	snprintf(text, sizeof(text), "staff = @%s\n", g->gr_name);
	assert_mapped(text, name, "", "staff");
	assert_mapped(text, "no-such-user", "", "no-such-user");
	assert_mapped("staff = @no-such-group\n", name, "", name);
	free(name);
}

static void missing_map_changes_nothing(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	assert_string_equal(username_map_apply(mem, "/nonexistent/map", "alice", ""), "alice");
	talloc_free(mem);
}

/* The proof is computed over the name that was sent, the account is the one that it is mapped to. */
static void mapped_client_logs_on_with_the_accounts_password(void **state)
{
	struct rig *r = *state;
	struct craft c = {.user = "Alice Smith", .domain = "HOME", .password = "secret"};
	struct auth_server *s;
	struct crafted x;

	assert_status(craft_log_on(r, true, &c, &s, &x), STATUS_LOGON_FAILURE);
	write_map("alice = \"Alice Smith\"\n");
	r->policy.username_map_path = map;
	assert_status(craft_log_on(r, true, &c, &s, &x), STATUS_SUCCESS);
	assert_string_equal(auth_server_result(s)->user, "alice");
	assert_string_equal(auth_server_result(s)->client_name, "Alice Smith");
	unlink(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_on_the_right_become_the_name_on_the_left),
		cmocka_unit_test(quotes_keep_blanks),
		cmocka_unit_test(domain_in_a_pattern_must_match_too),
		cmocka_unit_test(comments_and_lines_without_equals_are_passed_over),
		cmocka_unit_test(each_line_works_on_what_the_one_before_made),
		cmocka_unit_test(exclamation_mark_stops_after_a_match_only),
		cmocka_unit_test(members_of_a_group_are_matched),
		cmocka_unit_test(missing_map_changes_nothing),
		cmocka_unit_test_setup_teardown(
			mapped_client_logs_on_with_the_accounts_password, rig_up, rig_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
