/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/commands.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SMB1_FIXED = 35 };
/* An SMB_COM_NEGOTIATE with these dialects, each with its 0x02 and its NUL. */
static struct bytes smb1_negotiate(uint8_t *buf, const char *dialects, size_t len)
{
	memset(buf, 0, SMB1_FIXED);
	memcpy(buf, "\xFFSMB\x72", 5);
	buf[33] = (uint8_t)len; /* ByteCount */
	memcpy(buf + SMB1_FIXED, dialects, len);
	return BYTES(buf, SMB1_FIXED + len);
}
#define SMB1(buf, s) smb1_negotiate(buf, s, sizeof(s) - 1)

static void an_smb1_negotiate_says_which_smb2_dialects_it_offers(void **state)
{
	uint8_t buf[256];
	bool has_2002, has_2xxx;

	assert_true(smb1_negotiate_decode(
		SMB1(buf, "\2NT LM 0.12\0\2SMB 2.002\0\2SMB 2.???\0"), &has_2002, &has_2xxx));
	assert_true(has_2002 && has_2xxx);
	assert_true(smb1_negotiate_decode(SMB1(buf, "\2NT LM 0.12\0\2SMB 2.002\0"), &has_2002, &has_2xxx));
	assert_true(has_2002 && !has_2xxx);
	assert_true(smb1_negotiate_decode(SMB1(buf, "\2NT LM 0.12\0"), &has_2002, &has_2xxx));
	assert_false(has_2002 || has_2xxx);
	assert_true(smb1_negotiate_decode(SMB1(buf, "\2SMB 2.0022\0\2SMB 2.00\0"), &has_2002, &has_2xxx));
	assert_false(has_2002);
}

static void a_malformed_smb1_negotiate_is_refused(void **state)
{
	uint8_t buf[256];
	bool has_2002, has_2xxx;
	struct bytes m = SMB1(buf, "\2SMB 2.???\0");

	for (size_t len = 0; len < m.len; len++)
		assert_false(smb1_negotiate_decode(BYTES(buf, len), &has_2002, &has_2xxx));
	assert_false(smb1_negotiate_decode(SMB1(buf, "\2SMB 2.???"), &has_2002, &has_2xxx));
	assert_false(smb1_negotiate_decode(SMB1(buf, "\3SMB 2.???\0"), &has_2002, &has_2xxx));
	SMB1(buf, "\2SMB 2.???\0");
	buf[4] = 0x73;
	assert_false(smb1_negotiate_decode(m, &has_2002, &has_2xxx));
	buf[4] = 0x72;
	buf[32] = 1; /* WordCount */
	assert_false(smb1_negotiate_decode(m, &has_2002, &has_2xxx));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_smb1_negotiate_says_which_smb2_dialects_it_offers),
		cmocka_unit_test(a_malformed_smb1_negotiate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
