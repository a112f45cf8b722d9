/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dosattrib.h"

#include <stdlib.h>

/* Whatever is read comes back after it was written as version 5. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dosattrib a, b;
	uint8_t out[DOSATTRIB_SIZE];

	if (!dosattrib_decode(BYTES(data, size), &a))
		return 0;
	dosattrib_encode(&a, out);
	if (!dosattrib_decode(BYTES(out, sizeof(out)), &b) || a.has_attributes != b.has_attributes ||
		a.has_creation_time != b.has_creation_time || a.attributes != b.attributes ||
		a.creation_time != b.creation_time)
		abort();
	return 0;
}
