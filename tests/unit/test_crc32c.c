/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/crc32c.h"

#include "core/bytes.h"
#include "core/fault.h"
#include "wire/cursor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* RFC 3720 section B.4: data, and the CRC as it is on the wire. */
static const struct {
	uint8_t first;
	int step;
	uint8_t wire[4];
} vectors[] = {
	{0x00, 0, {0xaa, 0x36, 0x91, 0x8a}},
	{0xff, 0, {0x43, 0xab, 0xa8, 0x62}},
	{0x00, 1, {0x4e, 0x79, 0xdd, 0x46}},
	{0x1f, -1, {0x5c, 0xdb, 0x3f, 0x11}},
};

static const uint8_t read_command[48] = {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0,
	0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02};
static const uint8_t read_command_crc[4] = {0x56, 0x3a, 0x96, 0xd9};

static void assert_wire(uint32_t state, const uint8_t expected[4])
{
	uint8_t wire[4];
	struct wr w = wr_over(wire, sizeof(wire));

	wr_u32(&w, crc32c_end(state));
	assert_memory_equal(wire, expected, sizeof(wire));
}

static void the_vectors_of_the_rfc_come_out(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t data[32];
		for (unsigned k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)(vectors[i].first + vectors[i].step * (int)k);
		assert_wire(crc32c(CRC32C_START, data, sizeof(data)), vectors[i].wire);
	}
	assert_wire(crc32c(CRC32C_START, read_command, sizeof(read_command)), read_command_crc);
}

static void pieces_of_any_size_and_alignment_give_the_same(void **state)
{
	enum { SIZE = 5000 };
	uint8_t *data = malloc(SIZE + 16);

	for (unsigned i = 0; i < SIZE + 16; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	for (unsigned shift = 0; shift < 16; shift++) {
		/* One byte at a time, by the definition. */
		uint32_t slow = CRC32C_START;
		for (unsigned i = 0; i < SIZE; i++) {
			slow ^= data[shift + i];
			for (int bit = 0; bit < 8; bit++)
				slow = slow >> 1 ^ (slow & 1 ? 0x82f63b78 : 0);
		}
		for (unsigned cut = 0; cut < SIZE; cut += 611) {
			uint32_t s = crc32c(CRC32C_START, data + shift, cut);
			assert_int_equal(crc32c(s, data + shift + cut, SIZE - cut), slow);
		}
	}
	free(data);
}

static void memory_that_is_gone_is_an_error(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = memfd_create("crc", 0);
	uint8_t *p;
	uint32_t crc = CRC32C_START, same;

	assert_int_equal(fault_install(), 0);
	assert_int_equal(ftruncate(fd, 2 * page), 0);
	p = mmap(NULL, (size_t)(2 * page), PROT_READ, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	assert_int_equal(crc32c_faulting(&crc, p, (size_t)(2 * page)), 0);
	same = crc32c(CRC32C_START, p, (size_t)(2 * page));
	assert_int_equal(crc, same);
	assert_int_equal(ftruncate(fd, page), 0);
	assert_int_equal(crc32c_faulting(&crc, p, (size_t)(2 * page)), -EIO);
	munmap(p, (size_t)(2 * page));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc_come_out),
		cmocka_unit_test(pieces_of_any_size_and_alignment_give_the_same),
		cmocka_unit_test(memory_that_is_gone_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
