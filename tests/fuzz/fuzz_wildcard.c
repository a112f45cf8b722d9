/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/vfs.h"

#include <stdlib.h>

/*
 * Input: a pattern, a NUL, a name. A pattern without wildcards matches itself, and what a pattern matches it
 * matches with stars around it ("*.*" is an exception: it matches names without a period).
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *starred = malloc(size + 3);

	memcpy(text, data, size);
	text[size] = 0;
	size_t len = strlen(text);
	const char *name = len < size ? text + len + 1 : "";
	starred[0] = '*';
	memcpy(starred + 1, text, len);
	strcpy(starred + 1 + len, "*");
	if (*name && strcmp(text, "*.*") != 0 && vfs_wildcard_match(text, name) &&
		!vfs_wildcard_match(starred, name))
		abort();
	if (len && !strpbrk(text, "*?<>\"") && !vfs_wildcard_match(text, text) && len < 1024)
		abort();
	free(text);
	free(starred);
	return 0;
}
