/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_credits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_peer_gets_what_it_wants_up_to_the_limit(void **state)
{
	struct smbdirect_credits c = {.send = 9, .max = 100};

	smbdirect_credits_requested(&c, 30);
	assert_int_equal(smbdirect_credits_offer(&c, false), 30);
	smbdirect_credits_requested(&c, 65535);
	assert_int_equal(smbdirect_credits_offer(&c, false), 100);
	smbdirect_credits_sent(&c, 100);
	assert_int_equal(c.send, 8);
	assert_int_equal(c.receive, 100);
	assert_int_equal(smbdirect_credits_offer(&c, false), 0);
}

static void without_a_credit_nothing_is_sent(void **state)
{
	struct smbdirect_credits c = {.send = 0, .receive = 1, .target = 10, .max = 10};

	assert_int_equal(smbdirect_credits_offer(&c, false), SMBDIRECT_NO_CREDIT);
	assert_int_equal(smbdirect_credits_offer(&c, true), SMBDIRECT_NO_CREDIT);
}

static void the_last_credit_always_brings_the_peer_one(void **state)
{
	for (unsigned receive = 0; receive < 12; receive++) {
		struct smbdirect_credits c = {.send = 1, .receive = receive, .target = 10, .max = 10};
		int offer = smbdirect_credits_offer(&c, false);

		assert_int_equal(offer, receive < 10 ? 10 - receive : 1);
	}
}

static void a_message_without_a_credit_is_noticed(void **state)
{
	struct smbdirect_credits c = {.receive = 1};

	assert_true(smbdirect_credits_receive(&c));
	assert_false(smbdirect_credits_receive(&c));
	assert_int_equal(c.receive, 0);
}

static void credits_without_end_do_not_wrap(void **state)
{
	struct smbdirect_credits c = {0};

	for (int i = 0; i < 10; i++)
		smbdirect_credits_granted(&c, 65535);
	assert_int_equal(c.send, 65535);
}

static void credits_go_back_when_half_are_used_or_none_are_left(void **state)
{
	struct smbdirect_credits c = {.receive = 51, .target = 100, .max = 100};

	assert_false(smbdirect_credits_due(&c, true));
	c.receive = 50;
	assert_true(smbdirect_credits_due(&c, true));
	assert_false(smbdirect_credits_due(&c, false));
	c.receive = 0;
	assert_true(smbdirect_credits_due(&c, false));
}

static void a_held_peer_is_granted_nothing_but_the_means_to_show_that_it_lives(void **state)
{
	struct smbdirect_credits c = {.send = 5, .receive = 3, .target = 10, .max = 10, .held = true};

	assert_int_equal(smbdirect_credits_offer(&c, false), 0);
	assert_int_equal(smbdirect_credits_offer(&c, true), 0);
	c.receive = 0;
	assert_int_equal(smbdirect_credits_offer(&c, false), 0);
	assert_int_equal(smbdirect_credits_offer(&c, true), 1);
	c.send = 1; /* kept for the end of the hold */
	assert_int_equal(smbdirect_credits_offer(&c, false), SMBDIRECT_NO_CREDIT);
	assert_int_equal(smbdirect_credits_offer(&c, true), 1);
}

/* Two sides that only ever return credits have to stop with it. */
static void returning_credits_comes_to_an_end(void **state)
{
	for (unsigned a = 1; a < 6; a++)
		for (unsigned b = 1; b < 6; b++)
			for (unsigned sent = 1; sent <= a; sent++) {
				struct smbdirect_credits c[2] = {
					{.send = a, .receive = b, .target = b, .max = b},
					{.send = b, .receive = a, .target = a, .max = a}};
				unsigned from = 0, messages = 0;
				int offer = sent == a ? 0 : smbdirect_credits_offer(&c[0], false);

				/* Some data, in the worst case with the last credit and nothing for it; */
				for (unsigned i = 1; i < sent; i++) {
					smbdirect_credits_sent(&c[0], 0);
					assert_true(smbdirect_credits_receive(&c[1]));
				}
				smbdirect_credits_sent(&c[0], offer);
				assert_true(smbdirect_credits_receive(&c[1]));
				smbdirect_credits_granted(&c[1], (unsigned)offer);
				/* and then nothing but credits. */
				while (smbdirect_credits_due(&c[!from], messages == 0) &&
					(offer = smbdirect_credits_offer(&c[!from], false)) > 0) {
					from = !from;
					smbdirect_credits_sent(&c[from], offer);
					assert_true(smbdirect_credits_receive(&c[!from]));
					smbdirect_credits_granted(&c[!from], (unsigned)offer);
					assert_true(++messages < 5);
				}
				assert_true(c[0].send > 0 && c[1].send > 0);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_peer_gets_what_it_wants_up_to_the_limit),
		cmocka_unit_test(without_a_credit_nothing_is_sent),
		cmocka_unit_test(the_last_credit_always_brings_the_peer_one),
		cmocka_unit_test(a_message_without_a_credit_is_noticed),
		cmocka_unit_test(credits_without_end_do_not_wrap),
		cmocka_unit_test(credits_go_back_when_half_are_used_or_none_are_left),
		cmocka_unit_test(a_held_peer_is_granted_nothing_but_the_means_to_show_that_it_lives),
		cmocka_unit_test(returning_credits_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
