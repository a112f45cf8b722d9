/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* How often a share may be connected to, and how many direct grants of it there may be. */

struct world {
	struct server server;
	struct conf *conf, *again;
};

static struct conf *parse(const char *text)
{
	const char *error;
	struct conf *c = conf_parse(NULL, text, strlen(text), "test.conf", &error);

	assert_non_null(c);
	assert_false(conf_has_errors(c));
	return c;
}

static int set_up(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);

	w->server.uses = share_uses_new(w);
	w->conf = talloc_steal(
		w, parse("[global]\npmem max share grants = 3\n"
			 "[a]\npath=/a\nmax connections = 2\npmem max share grants = 2\n[b]\npath=/b\n"));
	w->again =
		talloc_steal(w, parse("[A]\npath=/other\nmax connections = 1\npmem max share grants = 1\n"));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	talloc_free(*state);
	return 0;
}

static void each_share_has_its_own_limits(void **state)
{
	struct world *w = *state;
	const struct conf_section *a = conf_share(w->conf, 0), *b = conf_share(w->conf, 1);

	assert_true(share_grant_enter(&w->server, a));
	assert_true(share_grant_enter(&w->server, a));
	assert_false(share_grant_enter(&w->server, a));
	for (int i = 0; i < 3; i++)
		assert_true(share_grant_enter(&w->server, b));
	assert_false(share_grant_enter(&w->server, b));
	share_grant_leave(&w->server, a);
	assert_true(share_grant_enter(&w->server, a));
	assert_false(share_grant_enter(&w->server, a));
}

static void trees_and_grants_are_counted_apart_and_without_a_limit_there_is_none(void **state)
{
	struct world *w = *state;
	const struct conf_section *a = conf_share(w->conf, 0), *b = conf_share(w->conf, 1);

	assert_true(share_enter(&w->server, a));
	assert_true(share_grant_enter(&w->server, a));
	assert_true(share_enter(&w->server, a));
	assert_false(share_enter(&w->server, a));
	for (int i = 0; i < 100; i++)
		assert_true(share_enter(&w->server, b));
}

static void a_share_that_is_configured_anew_goes_on_counting(void **state)
{
	struct world *w = *state;
	const struct conf_section *a = conf_share(w->conf, 0), *now = conf_share(w->again, 0);

	assert_true(share_grant_enter(&w->server, a));
	assert_false(share_grant_enter(&w->server, now));
	share_grant_leave(&w->server, now);
	assert_true(share_grant_enter(&w->server, now));
	assert_true(share_grant_enter(&w->server, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_share_has_its_own_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			trees_and_grants_are_counted_apart_and_without_a_limit_there_is_none, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_share_that_is_configured_anew_goes_on_counting, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
