/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/create_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/*
 * The wire format of direct access. Each codec is held against bytes that are written here, and against the
 * example in docs/protocol-pmem.md.
 */

enum { BUF = 2048, ANY_SIZE = sizeof(struct pmem_commit_req) };

struct codec {
	const char *title; /* of the example in the document */
	bool (*decode)(struct bytes in, void *out);
	void (*encode)(struct wr *w, const void *in);
	size_t size; /* of the struct */
	const void *sample, *example;
	struct bytes wire; /* of the sample; no two fields have the same bytes, and reserved ones have none */
	const char *reserved; /* R where a byte is reserved */
};

#define WRAP(n) \
	static bool n##_decode_any(struct bytes in, void *out) \
	{ \
		return n##_decode(in, out); \
	} \
	static void n##_encode_any(struct wr *w, const void *in) \
	{ \
		n##_encode(w, in); \
	}
WRAP(pmem_offer_req)
WRAP(pmem_offer_rsp)
WRAP(pmem_map_req)
WRAP(pmem_map_rsp)
WRAP(pmem_commit_req)
WRAP(pmem_commit_rsp)
WRAP(pmem_unmap_req)

/* ---- samples, and what they are on the wire ---- */

static const struct pmem_offer_req sample_pmem_offer_req = {.version = 0x0102, .access = 0x11121314};
static const uint8_t wire_pmem_offer_req[] = {0x02, 0x01, 0, 0, 0x14, 0x13, 0x12, 0x11};

static const struct pmem_offer_rsp sample_pmem_offer_rsp = {.version = 0x0102,
	.durability = 0x03,
	.guard = 0x04,
	.status = 0xC1121314,
	.access = 0x21222324,
	.commit_methods = 0x31323334,
	.granularity = 0x41424344,
	.revoke_timeout = 0x51525354,
	.max_grants = 0x61626364,
	.max_length = 0x7172737475767778};
static const uint8_t wire_pmem_offer_rsp[] = {0x02, 0x01, 0x03, 0x04, 0x14, 0x13, 0x12, 0xC1, 0x24, 0x23,
	0x22, 0x21, 0x34, 0x33, 0x32, 0x31, 0x44, 0x43, 0x42, 0x41, 0x54, 0x53, 0x52, 0x51, 0x64, 0x63, 0x62,
	0x61, 0, 0, 0, 0, 0x78, 0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71, 0, 0, 0, 0, 0, 0, 0, 0};

static const struct pmem_map_req sample_pmem_map_req = {
	.version = 0x0102, .access = 0x11121314, .offset = 0x2122232425262728, .length = 0x3132333435363738};
static const uint8_t wire_pmem_map_req[] = {0x02, 0x01, 0, 0, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25,
	0x24, 0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31};

static const struct pmem_map_rsp sample_pmem_map_rsp = {.version = 0x0102,
	.durability = 0x03,
	.guard = 0x04,
	.commit_methods = 0x11121314,
	.grant_id = 0x2122232425262728,
	.offset = 0x3132333435363738,
	.length = 0x4142434445464748,
	.access = 0x51525354,
	.revoke_timeout = 0x61626364,
	.descriptor_count = 2,
	.descriptors = {
		{0x7172737475767778, 0x81828384, 0x91929394}, {0xA1A2A3A4A5A6A7A8, 0xB1B2B3B4, 0xC1C2C3C4}}};
static const uint8_t wire_pmem_map_rsp[] = {0x02, 0x01, 0x03, 0x04, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26,
	0x25, 0x24, 0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31, 0x48, 0x47, 0x46, 0x45,
	0x44, 0x43, 0x42, 0x41, 0x54, 0x53, 0x52, 0x51, 0x64, 0x63, 0x62, 0x61, 2, 0, 0, 0, 0, 0, 0, 0, 0x78,
	0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71, 0x84, 0x83, 0x82, 0x81, 0x94, 0x93, 0x92, 0x91, 0xA8, 0xA7,
	0xA6, 0xA5, 0xA4, 0xA3, 0xA2, 0xA1, 0xB4, 0xB3, 0xB2, 0xB1, 0xC4, 0xC3, 0xC2, 0xC1};

static const struct pmem_commit_req sample_pmem_commit_req = {.version = 0x0102,
	.range_count = 2,
	.grant_id = 0x1112131415161718,
	.ranges = {{0x2122232425262728, 0x3132333435363738}, {0x4142434445464748, 0x5152535455565758}}};
static const uint8_t wire_pmem_commit_req[] = {0x02, 0x01, 2, 0, 0, 0, 0, 0, 0x18, 0x17, 0x16, 0x15, 0x14,
	0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35, 0x34, 0x33,
	0x32, 0x31, 0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41, 0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52,
	0x51};

static const struct pmem_commit_rsp sample_pmem_commit_rsp = {.version = 0x0102, .durability = 0x03};
static const uint8_t wire_pmem_commit_rsp[] = {0x02, 0x01, 0x03, 0, 0, 0, 0, 0};

static const struct pmem_unmap_req sample_pmem_unmap_req = {
	.version = 0x0102, .grant_id = 0x1112131415161718};
static const uint8_t wire_pmem_unmap_req[] = {
	0x02, 0x01, 0, 0, 0, 0, 0, 0, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};

/* ---- the example of the document: 5 GiB from 1 MiB on, of which 64 bytes are written ---- */

enum { READ_WRITE = PMEM_ACCESS_READ | PMEM_ACCESS_WRITE };
enum { BOTH_WAYS = PMEM_COMMIT_READ_AFTER_WRITE | PMEM_COMMIT_FSCTL };
#define EXAMPLE_GRANT 0x0005000000000017

static const struct pmem_offer_req example_pmem_offer_req = {.version = PMEM_VERSION, .access = READ_WRITE};
static const struct pmem_offer_rsp example_pmem_offer_rsp = {.version = PMEM_VERSION,
	.durability = PMEM_PERSISTENT,
	.guard = PMEM_GUARD_FANOTIFY,
	.access = READ_WRITE,
	.commit_methods = BOTH_WAYS,
	.granularity = 4096,
	.revoke_timeout = 10000,
	.max_grants = 64,
	.max_length = 64ull << 30};
static const struct pmem_map_req example_pmem_map_req = {
	.version = PMEM_VERSION, .access = READ_WRITE, .offset = 1 << 20, .length = 5ull << 30};
static const struct pmem_map_rsp example_pmem_map_rsp = {.version = PMEM_VERSION,
	.durability = PMEM_PERSISTENT,
	.guard = PMEM_GUARD_FANOTIFY,
	.commit_methods = BOTH_WAYS,
	.grant_id = EXAMPLE_GRANT,
	.offset = 1 << 20,
	.length = 5ull << 30,
	.access = READ_WRITE,
	.revoke_timeout = 10000,
	.descriptor_count = 2,
	.descriptors = {{0, 0x3F9C51D2, 0xFFFFF000}, {0, 0x81E4A70B, 0x40001000}}};
static const struct pmem_commit_req example_pmem_commit_req = {
	.version = PMEM_VERSION, .range_count = 1, .grant_id = EXAMPLE_GRANT, .ranges = {{0x101000, 64}}};
static const struct pmem_commit_rsp example_pmem_commit_rsp = {
	.version = PMEM_VERSION, .durability = PMEM_PERSISTENT};
static const struct pmem_unmap_req example_pmem_unmap_req = {
	.version = PMEM_VERSION, .grant_id = EXAMPLE_GRANT};

#define CODEC(title, n, reserved) \
	{ \
		title, n##_decode_any, n##_encode_any, sizeof(struct n), &sample_##n, &example_##n, \
			{wire_##n, sizeof(wire_##n)}, reserved \
	}
static const struct codec codecs[] = {
	CODEC("Context, request:", pmem_offer_req, "..RR...."),
	CODEC("Context, response:", pmem_offer_rsp, "............................RRRR........RRRRRRRR"),
	CODEC("MAP, input:", pmem_map_req, "..RR...................."),
	CODEC("MAP, output:", pmem_map_rsp,
		"..........................................RRRRRR................................"),
	CODEC("COMMIT, input:", pmem_commit_req, "....RRRR........................................"),
	CODEC("COMMIT, output:", pmem_commit_rsp, "...RRRRR"),
	CODEC("UNMAP, input:", pmem_unmap_req, "..RRRRRR........"),
};

#define FOR_CODECS(c) for (const struct codec *c = codecs; c < codecs + ARRAY_SIZE(codecs); c++)

/* ---- each codec ---- */

/* Memory that ends where the message ends. */
static bool decodes(const struct codec *c, const uint8_t *wire, size_t len, void *out)
{
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, wire, len);
	memset(out, 0, c->size);
	bool ok = c->decode(BYTES(exact, len), out);
	free(exact);
	return ok;
}

static void each_structure_has_its_bytes(void **state)
{
	static _Alignas(16) uint8_t out[ANY_SIZE];

	FOR_CODECS(c)
	{
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));

		memset(buf, 0xEE, sizeof(buf));
		c->encode(&w, c->sample);
		assert_false(w.bad);
		assert_int_equal(w.pos, c->wire.len);
		assert_memory_equal(buf, c->wire.data, c->wire.len);
		assert_true(decodes(c, c->wire.data, c->wire.len, out));
		assert_memory_equal(out, c->sample, c->size);
	}
}

static void the_sizes_are_those_of_the_header(void **state)
{
	assert_int_equal(sizeof(wire_pmem_offer_req), PMEM_OFFER_REQ_SIZE);
	assert_int_equal(sizeof(wire_pmem_offer_rsp), PMEM_OFFER_RSP_SIZE);
	assert_int_equal(sizeof(wire_pmem_map_req), PMEM_MAP_REQ_SIZE);
	assert_int_equal(sizeof(wire_pmem_map_rsp), PMEM_MAP_RSP_FIXED_SIZE + 2 * SMBDIRECT_DESCRIPTOR_SIZE);
	assert_int_equal(sizeof(wire_pmem_commit_req), PMEM_COMMIT_REQ_FIXED_SIZE + 2 * PMEM_RANGE_SIZE);
	assert_int_equal(sizeof(wire_pmem_commit_rsp), PMEM_COMMIT_RSP_SIZE);
	assert_int_equal(sizeof(wire_pmem_unmap_req), PMEM_UNMAP_REQ_SIZE);
}

static void a_structure_that_is_cut_short_anywhere_is_refused(void **state)
{
	static _Alignas(16) uint8_t out[ANY_SIZE];

	FOR_CODECS(c)
	for (size_t n = 0; n < c->wire.len; n++)
		assert_false(decodes(c, c->wire.data, n, out));
}

static void bytes_behind_a_structure_are_ignored(void **state)
{
	static _Alignas(16) uint8_t out[ANY_SIZE];

	FOR_CODECS(c)
	{
		uint8_t longer[BUF];

		memset(longer, 0xFF, sizeof(longer));
		memcpy(longer, c->wire.data, c->wire.len);
		for (size_t more = 1; more <= 16; more++) {
			assert_true(decodes(c, longer, c->wire.len + more, out));
			assert_memory_equal(out, c->sample, c->size);
		}
	}
}

static void reserved_bytes_are_ignored(void **state)
{
	static _Alignas(16) uint8_t out[ANY_SIZE];

	FOR_CODECS(c)
	{
		uint8_t wire[BUF];
		bool any = false;

		assert_int_equal(strlen(c->reserved), c->wire.len);
		memcpy(wire, c->wire.data, c->wire.len);
		for (size_t i = 0; i < c->wire.len; i++) {
			if (c->reserved[i] != 'R')
				continue;
			assert_int_equal(wire[i], 0);
			wire[i] = 0xFF;
			any = true;
		}
		assert_true(any);
		assert_true(decodes(c, wire, c->wire.len, out));
		assert_memory_equal(out, c->sample, c->size);
	}
}

static void nothing_is_written_beyond_the_room_there_is(void **state)
{
	FOR_CODECS(c)
	for (size_t room = 0; room < c->wire.len; room++) {
		uint8_t *buf = malloc(room ? room : 1);
		struct wr w = wr_over(buf, room);

		assert_non_null(buf);
		c->encode(&w, c->sample);
		assert_true(w.bad);
		free(buf);
	}
}

/* ---- counts ---- */

static bool commit_decodes(unsigned count, size_t ranges_there)
{
	static uint8_t buf[PMEM_COMMIT_REQ_FIXED_SIZE + (PMEM_MAX_RANGES + 1) * PMEM_RANGE_SIZE];
	static struct pmem_commit_req out;
	struct wr w = wr_over(buf, sizeof(buf));

	wr_u16(&w, PMEM_VERSION);
	wr_u16(&w, count);
	return pmem_commit_req_decode(
		       BYTES(buf, PMEM_COMMIT_REQ_FIXED_SIZE + ranges_there * PMEM_RANGE_SIZE), &out) &&
	       out.range_count == count;
}

static void a_commit_has_so_many_ranges_and_no_more(void **state)
{
	assert_true(commit_decodes(0, 0));
	assert_true(commit_decodes(1, 1));
	assert_true(commit_decodes(PMEM_MAX_RANGES, PMEM_MAX_RANGES));
	assert_false(commit_decodes(PMEM_MAX_RANGES, PMEM_MAX_RANGES - 1));
	assert_false(commit_decodes(PMEM_MAX_RANGES + 1, PMEM_MAX_RANGES + 1));
	assert_false(commit_decodes(UINT16_MAX, PMEM_MAX_RANGES + 1));
}

static bool map_decodes(unsigned count, size_t descriptors_there)
{
	static uint8_t
		buf[PMEM_MAP_RSP_FIXED_SIZE + (SMBDIRECT_MAX_DESCRIPTORS + 1) * SMBDIRECT_DESCRIPTOR_SIZE];
	static struct pmem_map_rsp out;
	struct wr w = wr_over(buf, sizeof(buf));

	wr_u16(&w, PMEM_VERSION);
	wr_zero(&w, 38);
	wr_u16(&w, count);
	return pmem_map_rsp_decode(
		       BYTES(buf, PMEM_MAP_RSP_FIXED_SIZE + descriptors_there * SMBDIRECT_DESCRIPTOR_SIZE),
		       &out) &&
	       out.descriptor_count == count;
}

static void a_mapping_has_at_least_one_descriptor_and_so_many_at_most(void **state)
{
	assert_false(map_decodes(0, 0));
	assert_false(map_decodes(0, 1));
	assert_true(map_decodes(1, 1));
	assert_true(map_decodes(SMBDIRECT_MAX_DESCRIPTORS, SMBDIRECT_MAX_DESCRIPTORS));
	assert_false(map_decodes(SMBDIRECT_MAX_DESCRIPTORS, SMBDIRECT_MAX_DESCRIPTORS - 1));
	assert_false(map_decodes(SMBDIRECT_MAX_DESCRIPTORS + 1, SMBDIRECT_MAX_DESCRIPTORS + 1));
	assert_false(map_decodes(UINT16_MAX, SMBDIRECT_MAX_DESCRIPTORS + 1));
}

static void the_largest_structures_survive_a_round_trip(void **state)
{
	static struct pmem_commit_req commit = {.version = PMEM_VERSION, .range_count = PMEM_MAX_RANGES},
				      commit_out;
	static struct pmem_map_rsp map = {.version = PMEM_VERSION,
					   .descriptor_count = SMBDIRECT_MAX_DESCRIPTORS},
				   map_out;
	static uint8_t buf[PMEM_COMMIT_REQ_FIXED_SIZE + PMEM_MAX_RANGES * PMEM_RANGE_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	for (unsigned i = 0; i < PMEM_MAX_RANGES; i++)
		commit.ranges[i] = (struct pmem_range){UINT64_MAX - i, 0x0101010101010101u * i};
	for (unsigned i = 0; i < SMBDIRECT_MAX_DESCRIPTORS; i++)
		map.descriptors[i] = (struct smbdirect_descriptor){UINT64_MAX - i, UINT32_MAX - i, i << 20};
	pmem_commit_req_encode(&w, &commit);
	assert_int_equal(w.pos, sizeof(buf));
	assert_true(pmem_commit_req_decode(BYTES(buf, w.pos), &commit_out));
	assert_memory_equal(&commit, &commit_out, sizeof(commit));
	w = wr_over(buf, sizeof(buf));
	pmem_map_rsp_encode(&w, &map);
	assert_int_equal(
		w.pos, PMEM_MAP_RSP_FIXED_SIZE + SMBDIRECT_MAX_DESCRIPTORS * SMBDIRECT_DESCRIPTOR_SIZE);
	assert_true(pmem_map_rsp_decode(BYTES(buf, w.pos), &map_out));
	assert_memory_equal(&map, &map_out, sizeof(map));
}

/* ---- names and numbers ---- */

/* [MS-FSCC] 2.3: device type, access, function and method of a control code. */
static uint32_t control_code(uint32_t function)
{
	enum { NETWORK_FILE_SYSTEM = 0x14, ANY_ACCESS = 0, BUFFERED = 0 };

	return NETWORK_FILE_SYSTEM << 16 | ANY_ACCESS << 14 | function << 2 | BUFFERED;
}

static void the_control_codes_are_the_vendors_own(void **state)
{
	assert_int_equal(FSCTL_PMEM_MAP, control_code(0x801));
	assert_int_equal(FSCTL_PMEM_COMMIT, control_code(0x802));
	assert_int_equal(FSCTL_PMEM_UNMAP, control_code(0x803));
}

/* [MS-DTYP] 2.3.4.2: the first three parts of a GUID are little-endian. */
static void the_name_of_the_context_is_the_guid(void **state)
{
	uint8_t buf[16];
	struct wr w = wr_over(buf, sizeof(buf));

	wr_u32(&w, 0x7c54b6a1);
	wr_u16(&w, 0x93de);
	wr_u16(&w, 0x4d07);
	wr_bytes(&w, BYTES("\x8f\x0b\x2e\x6a\x51\xd9\xc3\x4e", 8));
	assert_int_equal(sizeof(PMEM_CONTEXT_NAME) - 1, PMEM_CONTEXT_NAME_SIZE);
	assert_memory_equal(buf, PMEM_CONTEXT_NAME, PMEM_CONTEXT_NAME_SIZE);
}

/* ---- the document ---- */

static char *read_document(void)
{
	const char *top = getenv("TOP"); /* ./check sets it; else the working folder is that of the tree */
	char path[4096];
	size_t len = 0;

	snprintf(path, sizeof(path), "%s/docs/protocol-pmem.md", top ? top : ".");
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s cannot be read", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	long size = ftell(f);
	rewind(f);
	char *text = malloc((size_t)size + 1);
	assert_non_null(text);
	len = fread(text, 1, (size_t)size, f);
	fclose(f);
	text[len] = '\0';
	return text;
}

/* The bytes of a line "    0010  01 02 ..."; false: it is none. */
static bool add_line(const char **at, uint8_t *out, size_t *n)
{
	unsigned offset, byte;
	int used = 0;

	if (sscanf(*at, "    %4x  %n", &offset, &used) != 1 || !used || strncmp(*at, "    ", 4) != 0)
		return false;
	assert_int_equal(offset, *n);
	*at += used;
	while (**at != '\n') {
		assert_true(*n < BUF && sscanf(*at, "%2x%n", &byte, &used) == 1 && used == 2);
		out[(*n)++] = (uint8_t)byte;
		*at += 2;
		*at += **at == ' ';
	}
	(*at)++;
	return true;
}

/* The block of bytes below the line that is `title` and nothing else. */
static size_t read_example(const char *text, const char *title, uint8_t *out)
{
	char line[64];
	size_t n = 0;

	snprintf(line, sizeof(line), "\n%s\n\n", title);
	const char *at = strstr(text, line);
	if (!at)
		fail_msg("the document has no \"%s\"", title);
	at += strlen(line);
	while (add_line(&at, out, &n))
		;
	assert_true(n > 0);
	return n;
}

static void the_examples_of_the_document_are_what_is_encoded(void **state)
{
	static _Alignas(16) uint8_t out[ANY_SIZE];
	char *text = read_document();

	FOR_CODECS(c)
	{
		uint8_t shown[BUF], buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));
		size_t n = read_example(text, c->title, shown);

		c->encode(&w, c->example);
		assert_int_equal(n, w.pos);
		assert_memory_equal(shown, buf, n);
		assert_true(decodes(c, shown, n, out));
		assert_memory_equal(out, c->example, c->size);
	}
	free(text);
}

/* Beside a lease, as a client asks for both. */
static void the_create_contexts_of_the_document_are_what_is_encoded(void **state)
{
	struct smb2_create_contexts_req q = {
		.has_lease = true,
		.lease = {.version = 2,
			.key = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
			.state = SMB2_LEASE_READ | SMB2_LEASE_HANDLE | SMB2_LEASE_WRITE,
			.epoch = 1},
		.has_pmem = true,
		.pmem = example_pmem_offer_req,
	};
	struct smb2_create_contexts_rsp p = {.has_pmem = true, .pmem = example_pmem_offer_rsp}, answer = {0};
	struct smb2_create_contexts_req asked;
	uint8_t shown[BUF], buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));
	char *text = read_document();
	size_t n = read_example(text, "Create contexts, request:", shown);

	smb2_create_contexts_req_encode(&w, &q);
	assert_int_equal(n, w.pos);
	assert_memory_equal(shown, buf, n);
	assert_true(smb2_create_contexts_req_decode(BYTES(shown, n), &asked));
	assert_true(asked.has_lease && asked.has_pmem && asked.pmem.access == READ_WRITE);

	n = read_example(text, "Create contexts, response:", shown);
	w = wr_over(buf, sizeof(buf));
	smb2_create_contexts_rsp_encode(&w, &p);
	assert_int_equal(n, w.pos);
	assert_memory_equal(shown, buf, n);
	assert_true(smb2_create_contexts_rsp_decode(BYTES(shown, n), &answer));
	assert_true(answer.has_pmem && answer.pmem.max_length == 64ull << 30);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_structure_has_its_bytes),
		cmocka_unit_test(the_sizes_are_those_of_the_header),
		cmocka_unit_test(a_structure_that_is_cut_short_anywhere_is_refused),
		cmocka_unit_test(bytes_behind_a_structure_are_ignored),
		cmocka_unit_test(reserved_bytes_are_ignored),
		cmocka_unit_test(nothing_is_written_beyond_the_room_there_is),
		cmocka_unit_test(a_commit_has_so_many_ranges_and_no_more),
		cmocka_unit_test(a_mapping_has_at_least_one_descriptor_and_so_many_at_most),
		cmocka_unit_test(the_largest_structures_survive_a_round_trip),
		cmocka_unit_test(the_control_codes_are_the_vendors_own),
		cmocka_unit_test(the_name_of_the_context_is_the_guid),
		cmocka_unit_test(the_examples_of_the_document_are_what_is_encoded),
		cmocka_unit_test(the_create_contexts_of_the_document_are_what_is_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
