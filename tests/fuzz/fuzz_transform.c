/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/commands.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes is written back byte for byte, but for the two reserved bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[SMB2_TRANSFORM_HEADER_SIZE];
	struct smb2_transform_header t;
	struct rd r = rd_over(BYTES(data, size));
	struct wr w = wr_over(again, sizeof(again));

	if (!smb2_transform_header_decode(&r, &t))
		return 0;
	smb2_transform_header_encode(&w, &t);
	if (w.bad || w.pos != sizeof(again) || memcmp(again, data, 40) != 0 ||
		memcmp(again + 42, data + 42, 10) != 0)
		abort();
	return 0;
}
