/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/names.h"
#include "wire/utf16.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Any bytes are a name on disk, which must come back from its client's form; and any bytes may come from a
 * client. */
static void from_disk(const char *disk)
{
	char client[NAME_CLIENT_MAX], back[PATH_MAX];

	if (strlen(disk) > NAME_DISK_MAX || *disk == 0 || strchr(disk, '/') || strcmp(disk, ".") == 0 ||
		strcmp(disk, "..") == 0)
		return;
	name_to_client(disk, client);
	if (utf16_length(client) == SIZE_MAX || path_to_disk(client, back, sizeof(back)) < 0 ||
		strcmp(back, disk) != 0)
		abort();
}

static void from_client(const char *client)
{
	char disk[PATH_MAX];

	if (path_to_disk(client, disk, sizeof(disk)) < 0)
		return;
	for (char *c = disk, *end; c; c = end) {
		end = strchr(c, '/');
		if (end)
			*end++ = 0;
		if (strcmp(c, ".") == 0 || strcmp(c, "..") == 0 || strlen(c) > NAME_DISK_MAX)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = 0;
	from_disk(text);
	from_client(text);
	free(text);
	return 0;
}
