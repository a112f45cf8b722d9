/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dosattrib.h"
#include "auth_hex.h"

/* Values packed by Samba 4.17's own NDR library: attributes 0x22, created at 0x1122334455667788. */
static const char *const samba[] = {
	"30783232000001000100000022000000000000009900000000000000aa000000000000008877665544332211770000000000"
	"0000",
	"307832320000020002000000010000002200000000000000000000000000000000000000000000008877665544332211"
	"000000000000000099000000000000006e6d00",
	"3078323200000300030000001100000022000000000000000000000000000000000000000000000088776655443322110000"
	"000000000000",
	"0000040004000000510000002200000055000000000000008877665544332211",
	"000005000500000011000000220000008877665544332211",
};

static void every_version_that_samba_wrote_is_read(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samba); i++) {
		struct dosattrib a;
		assert_true(dosattrib_decode(hex(samba[i]), &a));
		assert_true(a.has_attributes && a.has_creation_time);
		assert_int_equal(a.attributes, 0x22);
		assert_int_equal(a.creation_time, 0x1122334455667788ull);
	}
}

static void the_oldest_form_is_text_alone(void **state)
{
	struct dosattrib a;

	assert_true(dosattrib_decode(hex("3078323200"), &a));
	assert_true(a.has_attributes);
	assert_false(a.has_creation_time);
	assert_int_equal(a.attributes, 0x22);
	assert_false(dosattrib_decode(hex("00"), &a));
}

static void version_5_is_written_as_samba_writes_it(void **state)
{
	struct dosattrib a = {true, true, 0x22, 0x1122334455667788ull};
	uint8_t out[DOSATTRIB_SIZE];

	dosattrib_encode(&a, out);
	assert_true(bytes_equal(BYTES(out, sizeof(out)), hex(samba[4])));
}

static void only_valid_fields_count(void **state)
{
	struct dosattrib in = {.attributes = 0x21, .creation_time = 77}, a;
	uint8_t out[DOSATTRIB_SIZE];

	for (int i = 0; i < 4; i++) {
		in.has_attributes = i & 1;
		in.has_creation_time = i & 2;
		dosattrib_encode(&in, out);
		assert_true(dosattrib_decode(BYTES(out, sizeof(out)), &a));
		assert_int_equal(a.has_attributes, in.has_attributes);
		assert_int_equal(a.has_creation_time, in.has_creation_time);
	}
	in.creation_time = 0; /* the year 1601 is no answer */
	dosattrib_encode(&in, out);
	assert_true(dosattrib_decode(BYTES(out, sizeof(out)), &a));
	assert_false(a.has_creation_time);
}

static void malformed_values_are_refused(void **state)
{
	static const char *const bad[] = {"", "3078", "000006000600000011000000220000008877665544332211",
		"000005000400000011000000220000008877665544332211",
		"000000000000000011000000220000008877665544332211",
		"41414141414141414141414141414141414141410005000500"};
	struct dosattrib a;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(dosattrib_decode(hex(bad[i]), &a));
	for (size_t i = 0; i < ARRAY_SIZE(samba); i++) {
		size_t needed[] = {44, 48, 48, 32, 24}; /* up to the creation time */
		struct bytes v = hex(samba[i]);
		for (size_t len = 0; len < needed[i]; len++)
			if (len != 5 || i > 2) /* there it looks like the oldest form */
				assert_false(dosattrib_decode(BYTES(v.data, len), &a));
		assert_true(dosattrib_decode(BYTES(v.data, needed[i]), &a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_that_samba_wrote_is_read),
		cmocka_unit_test(the_oldest_form_is_text_alone),
		cmocka_unit_test(version_5_is_written_as_samba_writes_it),
		cmocka_unit_test(only_valid_fields_count),
		cmocka_unit_test(malformed_values_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
