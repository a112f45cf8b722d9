/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/create_context.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct wr room(size_t cap)
{
	struct wr w = wr_over(malloc(cap), cap);

	must(w.base);
	return w;
}

static void try_request(struct bytes contexts)
{
	struct smb2_create_contexts_req first, second;

	if (!smb2_create_contexts_req_decode(contexts, &first))
		return;
	struct wr once = room(contexts.len + 1024), twice = room(contexts.len + 1024);
	smb2_create_contexts_req_encode(&once, &first);
	must(!once.bad && smb2_create_contexts_req_decode(BYTES(once.base, once.pos), &second));
	smb2_create_contexts_req_encode(&twice, &second);
	must(bytes_equal(BYTES(once.base, once.pos), BYTES(twice.base, twice.pos)));
	free(once.base);
	free(twice.base);
}

static void try_response(struct bytes contexts)
{
	struct smb2_create_contexts_rsp first, second;

	if (!smb2_create_contexts_rsp_decode(contexts, &first))
		return;
	struct wr once = room(contexts.len + 1024), twice = room(contexts.len + 1024);
	smb2_create_contexts_rsp_encode(&once, &first);
	must(!once.bad && smb2_create_contexts_rsp_decode(BYTES(once.base, once.pos), &second));
	smb2_create_contexts_rsp_encode(&twice, &second);
	must(bytes_equal(BYTES(once.base, once.pos), BYTES(twice.base, twice.pos)));
	free(once.base);
	free(twice.base);
}

/* The first byte selects the direction. What decodes can be encoded, and decodes to what encodes the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] & 1)
		try_response(BYTES(data + 1, size - 1));
	else
		try_request(BYTES(data + 1, size - 1));
	return 0;
}
