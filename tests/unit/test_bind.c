/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/bind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define assert_status(got, want) assert_int_equal((got), (ntstatus_t)(want))

static struct bind_facts same_client(void)
{
	return (struct bind_facts){
		.dialect = SMB2_DIALECT_0311,
		.cipher = SMB2_CIPHER_AES128_GCM,
		.signing_algorithm = SMB2_SIGNING_AES_CMAC,
		.client_guid = {1, 2, 3},
		.multi_channel = true,
	};
}

static struct session valid_session(void)
{
	return (struct session){
		.state = SESSION_VALID,
		.dialect = SMB2_DIALECT_0311,
		.cipher = SMB2_CIPHER_AES128_GCM,
		.signing_algorithm = SMB2_SIGNING_AES_CMAC,
		.client_guid = {1, 2, 3},
	};
}

static void client_of_the_session_may_bind(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	assert_status(bind_check(&f, &s, true), STATUS_SUCCESS);
	f.dialect = s.dialect = SMB2_DIALECT_0300;
	f.cipher = s.cipher = 0;
	assert_status(bind_check(&f, &s, true), STATUS_SUCCESS);
}

static void old_dialects_and_single_channel_servers_accept_no_binding(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	f.multi_channel = false;
	assert_status(bind_check(&f, &s, true), STATUS_REQUEST_NOT_ACCEPTED);
	f = same_client();
	f.dialect = s.dialect = SMB2_DIALECT_0210;
	assert_status(bind_check(&f, &s, true), STATUS_REQUEST_NOT_ACCEPTED);
}

static void session_that_is_not_there_or_not_yet_is_deleted(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	assert_status(bind_check(&f, NULL, true), STATUS_USER_SESSION_DELETED);
	s.state = SESSION_IN_PROGRESS;
	assert_status(bind_check(&f, &s, true), STATUS_USER_SESSION_DELETED);
}

static void another_dialect_or_cipher_is_invalid(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	f.dialect = SMB2_DIALECT_0302;
	assert_status(bind_check(&f, &s, true), STATUS_INVALID_PARAMETER);
	f = same_client();
	f.cipher = SMB2_CIPHER_AES256_GCM;
	assert_status(bind_check(&f, &s, true), STATUS_INVALID_PARAMETER);
}

static void each_bit_of_the_client_guid_counts(void **state)
{
	struct session s = valid_session();

	for (int bit = 0; bit < 128; bit++) {
		struct bind_facts f = same_client();
		f.client_guid[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_status(bind_check(&f, &s, true), STATUS_USER_SESSION_DELETED);
	}
}

static void binding_is_signed(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	assert_status(bind_check(&f, &s, false), STATUS_INVALID_PARAMETER);
}

static void nobody_binds_to_guests_or_nobody(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	s.guest = true;
	assert_status(bind_check(&f, &s, true), STATUS_NOT_SUPPORTED);
	s.guest = false;
	s.anonymous = true;
	assert_status(bind_check(&f, &s, true), STATUS_NOT_SUPPORTED);
}

static void gmac_does_not_mix_with_other_signatures(void **state)
{
	struct bind_facts f = same_client();
	struct session s = valid_session();

	f.signing_algorithm = SMB2_SIGNING_AES_GMAC;
	assert_status(bind_check(&f, &s, true), STATUS_NOT_SUPPORTED);
	f = same_client();
	s.signing_algorithm = SMB2_SIGNING_AES_GMAC;
	assert_status(bind_check(&f, &s, true), STATUS_REQUEST_OUT_OF_SEQUENCE);
}

/* Of everything that can be wrong at once, only the fully right combination succeeds. */
static void only_one_of_all_combinations_succeeds(void **state)
{
	enum { WRONGS = 8 };

	for (unsigned n = 0; n < 1 << WRONGS; n++) {
		struct bind_facts f = same_client();
		struct session s = valid_session();
		f.multi_channel = !(n & 1);
		s.state = n & 2 ? SESSION_IN_PROGRESS : SESSION_VALID;
		f.dialect = n & 4 ? SMB2_DIALECT_0302 : f.dialect;
		f.cipher = n & 8 ? 0 : f.cipher;
		f.client_guid[15] = n & 16 ? 1 : 0;
		s.guest = n & 32;
		f.signing_algorithm = n & 64 ? SMB2_SIGNING_AES_GMAC : f.signing_algorithm;
		assert_int_equal(bind_check(&f, &s, !(n & 128)) == STATUS_SUCCESS, n == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_of_the_session_may_bind),
		cmocka_unit_test(old_dialects_and_single_channel_servers_accept_no_binding),
		cmocka_unit_test(session_that_is_not_there_or_not_yet_is_deleted),
		cmocka_unit_test(another_dialect_or_cipher_is_invalid),
		cmocka_unit_test(each_bit_of_the_client_guid_counts),
		cmocka_unit_test(binding_is_signed),
		cmocka_unit_test(nobody_binds_to_guests_or_nobody),
		cmocka_unit_test(gmac_does_not_mix_with_other_signatures),
		cmocka_unit_test(only_one_of_all_combinations_succeeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
