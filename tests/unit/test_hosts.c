/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void without_lists_everybody_comes_in(void **state)
{
	assert_true(conf_hosts_allowed(LIST(), LIST(), "203.0.113.7", NULL));
}

static void an_allow_list_keeps_all_others_out(void **state)
{
	assert_true(conf_hosts_allowed(LIST("192.168.1.5"), LIST(), "192.168.1.5", NULL));
	assert_false(conf_hosts_allowed(LIST("192.168.1.5"), LIST(), "192.168.1.6", NULL));
	assert_false(conf_hosts_allowed(LIST("192.168.1.5"), LIST(), "2001:db8::1", NULL));
}

static void a_deny_list_lets_all_others_in(void **state)
{
	assert_false(conf_hosts_allowed(LIST(), LIST("10.0.0.0/8"), "10.1.2.3", NULL));
	assert_true(conf_hosts_allowed(LIST(), LIST("10.0.0.0/8"), "11.1.2.3", NULL));
}

static void allow_goes_before_deny(void **state)
{
	assert_true(conf_hosts_allowed(LIST("10.1.2.3"), LIST("ALL"), "10.1.2.3", NULL));
	assert_false(conf_hosts_allowed(LIST("10.1.2.3"), LIST("ALL"), "10.1.2.4", NULL));
	assert_true(conf_hosts_allowed(LIST("10.1.2.3"), LIST("10.9.9.9"), "10.1.2.4", NULL));
}

static void loopback_comes_in_unless_denied(void **state)
{
	assert_true(conf_hosts_allowed(LIST("192.168."), LIST(), "127.0.0.1", NULL));
	assert_true(conf_hosts_allowed(LIST("192.168."), LIST(), "::1", NULL));
	assert_false(conf_hosts_allowed(LIST("192.168."), LIST("ALL"), "127.0.0.1", NULL));
	assert_true(conf_hosts_allowed(LIST("localhost"), LIST("ALL"), "::ffff:127.0.0.1", NULL));
}

static void a_beginning_matches_whole_octets_only(void **state)
{
	assert_true(conf_hosts_allowed(LIST("192.168."), LIST(), "192.168.77.1", NULL));
	assert_false(conf_hosts_allowed(LIST("192.168.1."), LIST(), "192.168.10.1", NULL));
	assert_false(conf_hosts_allowed(LIST("192.168."), LIST(), "192.169.1.1", NULL));
	assert_true(conf_hosts_allowed(LIST("10.1.2."), LIST(), "10.1.2.3", NULL));
}

static void masks_are_counts_or_dotted(void **state)
{
	assert_true(conf_hosts_allowed(LIST("10.20.30.0/24"), LIST(), "10.20.30.255", NULL));
	assert_false(conf_hosts_allowed(LIST("10.20.30.0/24"), LIST(), "10.20.31.0", NULL));
	assert_true(conf_hosts_allowed(LIST("10.20.30.0/255.255.254.0"), LIST(), "10.20.31.1", NULL));
	assert_false(conf_hosts_allowed(LIST("10.20.30.0/255.255.254.0"), LIST(), "10.20.32.1", NULL));
	assert_true(conf_hosts_allowed(LIST("0.0.0.0/0"), LIST(), "8.8.8.8", NULL));
	assert_false(conf_hosts_allowed(LIST("0.0.0.0/0"), LIST(), "2001:db8::1", NULL));
	assert_true(conf_hosts_allowed(LIST("10.20.30.129/25"), LIST(), "10.20.30.200", NULL));
}

static void ipv6_prefixes_and_mapped_addresses_match(void **state)
{
	assert_true(conf_hosts_allowed(LIST("2001:db8::/33"), LIST(), "2001:db8:7fff::1", NULL));
	assert_false(conf_hosts_allowed(LIST("2001:db8::/33"), LIST(), "2001:db8:8000::1", NULL));
	assert_true(conf_hosts_allowed(LIST("fe80::/10"), LIST(), "fe80::1%eth0", NULL));
	assert_true(conf_hosts_allowed(LIST("10.0.0.0/8"), LIST(), "::ffff:10.1.1.1", NULL));
	assert_false(conf_hosts_allowed(LIST(), LIST("10.0.0.0/8"), "::ffff:10.1.1.1", NULL));
}

static void except_takes_hosts_out_again(void **state)
{
	const char *const *list = LIST("150.203.", "EXCEPT", "150.203.6.0/24", "EXCEPT", "150.203.6.66");

	assert_true(conf_hosts_allowed(list, LIST(), "150.203.1.1", NULL));
	assert_false(conf_hosts_allowed(list, LIST(), "150.203.6.1", NULL));
	assert_true(conf_hosts_allowed(list, LIST(), "150.203.6.66", NULL));
	assert_false(conf_hosts_allowed(list, LIST(), "150.204.1.1", NULL));
	assert_false(conf_hosts_allowed(LIST(), LIST("ALL", "EXCEPT", "10.1.1.1"), "10.1.1.2", NULL));
	assert_true(conf_hosts_allowed(LIST(), LIST("ALL", "EXCEPT", "10.1.1.1"), "10.1.1.1", NULL));
}

static void names_match_whole_or_by_domain(void **state)
{
	assert_true(conf_hosts_allowed(LIST("lapland"), LIST(), "10.1.1.1", "LAPLAND"));
	assert_true(conf_hosts_allowed(LIST(".example.org"), LIST(), "10.1.1.1", "a.example.org"));
	assert_false(conf_hosts_allowed(LIST(".example.org"), LIST(), "10.1.1.1", "example.org.evil.net"));
	assert_false(conf_hosts_allowed(LIST("lapland"), LIST(), "10.1.1.1", NULL));
	assert_true(conf_hosts_allowed(LIST("LOCAL"), LIST(), "10.1.1.1", "lapland"));
	assert_false(conf_hosts_allowed(LIST("LOCAL"), LIST(), "10.1.1.1", "a.example.org"));
}

static void an_address_that_cannot_be_read_is_denied(void **state)
{
	assert_false(conf_hosts_allowed(LIST("ALL"), LIST(), "not an address", NULL));
	assert_false(conf_hosts_allowed(LIST(), LIST("10.1.1.1"), "", NULL));
}

static void words_are_told_apart(void **state)
{
	assert_int_equal(conf_host_word("EXCEPT"), CONF_HOST_KEYWORD);
	assert_int_equal(conf_host_word("all"), CONF_HOST_KEYWORD);
	assert_int_equal(conf_host_word("10."), CONF_HOST_ADDRESS);
	assert_int_equal(conf_host_word("10.1.2.3/8"), CONF_HOST_ADDRESS);
	assert_int_equal(conf_host_word("2001:db8::/32"), CONF_HOST_ADDRESS);
	assert_int_equal(conf_host_word("host.example.org"), CONF_HOST_NAME);
	assert_int_equal(conf_host_word(".example.org"), CONF_HOST_NAME);
	assert_int_equal(conf_host_word("@servers"), CONF_HOST_NETGROUP);
	assert_int_equal(conf_host_word("10.1.2.3/33"), CONF_HOST_INVALID);
	assert_int_equal(conf_host_word("10.1.2.3/255.0.255.0"), CONF_HOST_INVALID);
	assert_int_equal(conf_host_word("10.1.2.300"), CONF_HOST_INVALID);
	assert_int_equal(conf_host_word("10.1"), CONF_HOST_INVALID);
	assert_int_equal(conf_host_word("2001:db8::/129"), CONF_HOST_INVALID);
	assert_int_equal(conf_host_word("1.2.3.4.5."), CONF_HOST_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_lists_everybody_comes_in),
		cmocka_unit_test(an_allow_list_keeps_all_others_out),
		cmocka_unit_test(a_deny_list_lets_all_others_in),
		cmocka_unit_test(allow_goes_before_deny),
		cmocka_unit_test(loopback_comes_in_unless_denied),
		cmocka_unit_test(a_beginning_matches_whole_octets_only),
		cmocka_unit_test(masks_are_counts_or_dotted),
		cmocka_unit_test(ipv6_prefixes_and_mapped_addresses_match),
		cmocka_unit_test(except_takes_hosts_out_again),
		cmocka_unit_test(names_match_whole_or_by_domain),
		cmocka_unit_test(an_address_that_cannot_be_read_is_denied),
		cmocka_unit_test(words_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
