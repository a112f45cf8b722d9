/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/negotiate_context.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Encodes into fresh memory of `cap` bytes, which the caller frees. */
static struct bytes encode(const struct smb2_negotiate_contexts *c, size_t cap, uint16_t *count)
{
	struct wr w = wr_over(malloc(cap), cap);

	if (!w.base)
		abort();
	smb2_negotiate_contexts_encode(&w, c, count);
	if (w.bad)
		abort();
	return BYTES(w.base, w.pos);
}

/* The first byte is the count. What decodes can be encoded, and that decodes to what encodes the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smb2_negotiate_contexts first, second;
	uint16_t count, count_again;

	if (size < 1 || !smb2_negotiate_contexts_decode(BYTES(data + 1, size - 1), data[0], &first))
		return 0;
	struct bytes once = encode(&first, size + 1024, &count);
	if (count > data[0] || !smb2_negotiate_contexts_decode(once, count, &second))
		abort();
	struct bytes twice = encode(&second, size + 1024, &count_again);
	if (count != count_again || !bytes_equal(once, twice))
		abort();
	free((void *)once.data);
	free((void *)twice.data);
	return 0;
}
