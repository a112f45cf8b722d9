/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/commands.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool contains(const uint8_t *data, size_t size, const char *dialect)
{
	return memmem(data, size, dialect, strlen(dialect) + 1) != NULL;
}

/* A dialect that is said to be offered stands in the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool has_2002 = true, has_2xxx = true;

	if (!smb1_negotiate_decode(BYTES(data, size), &has_2002, &has_2xxx))
		return 0;
	if (memcmp(data, "\xFFSMB\x72", 5) != 0)
		abort();
	if ((has_2002 && !contains(data, size, "\2SMB 2.002")) ||
		(has_2xxx && !contains(data, size, "\2SMB 2.???")))
		abort();
	return 0;
}
