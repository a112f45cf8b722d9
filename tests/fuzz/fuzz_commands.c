/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/codecs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte selects the codec, and with it the direction; the rest is a body, put behind an empty
 * header. What decodes lies inside the message, and is the same when it has been encoded and decoded again.
 */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_lie_inside(struct bytes part, struct bytes whole)
{
	if (part.len == 0)
		return;
	must(part.data >= whole.data + SMB2_HEADER_SIZE);
	must((size_t)(part.data - whole.data) <= whole.len);
	must(part.len <= whole.len - (size_t)(part.data - whole.data));
}

/* A response to READ says anew where its data is. */
static void forget_where_data_was(const struct codec *c, void *value)
{
	if (codec_is(c, "smb2_read_rsp"))
		((struct smb2_read_rsp *)value)->data_offset = 0;
}

/* Data and descriptors in one WRITE can be received, but are not sent. */
static bool can_be_sent(const struct codec *c, const void *value)
{
	const struct smb2_write_req *q = value;

	return !codec_is(c, "smb2_write_req") || !q->channel_info.len || !q->length;
}

static void must_survive_a_round_trip(const struct codec *c, void *value, size_t message_size)
{
	uint64_t again[CODEC_STRUCT_MAX / 8];
	size_t cap = message_size * 2 + 1024; /* buffers may overlap in what was received */
	struct wr w = wr_over(malloc(cap), cap);

	must(w.base);
	codec_write(c, &w, value);
	must(!w.bad);
	must(codec_read(c, BYTES(w.base, w.pos), again));
	forget_where_data_was(c, value);
	forget_where_data_was(c, again);
	must(codec_equal(c, value, again));
	free(w.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t value[CODEC_STRUCT_MAX / 8];

	if (size < 1)
		return 0;
	const struct codec *c = &codecs[data[0] % ARRAY_SIZE(codecs)];
	size_t message_size = SMB2_HEADER_SIZE + size - 1;
	uint8_t *message = calloc(1, message_size);
	must(message);
	memcpy(message + SMB2_HEADER_SIZE, data + 1, size - 1);
	if (codec_read(c, BYTES(message, message_size), value)) {
		for (unsigned i = 0; c->has_bytes && i < 2; i++)
			must_lie_inside(*codec_bytes(c, value, i), BYTES(message, message_size));
		if (can_be_sent(c, value))
			must_survive_a_round_trip(c, value, message_size);
	}
	free(message);
	return 0;
}
