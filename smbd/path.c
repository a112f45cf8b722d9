/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/path.h"

#include "wire/utf16.h"

#include <strings.h>

enum { MAX_COMPONENT = 255 }; /* UTF-16 units, [MS-FSCC] 2.1.5.2 */

static bool is_forbidden(unsigned char c)
{
	return c < 0x20 || strchr("\"*/:<>?|", c);
}

static ntstatus_t drop_data_stream(char *name)
{
	static const char data[] = "::$DATA";
	char *colon = strchr(name, ':');

	if (!colon)
		return STATUS_SUCCESS;
	if (strcasecmp(colon, data) != 0 || colon == name || colon[-1] == '\\')
		return STATUS_OBJECT_NAME_INVALID;
	*colon = '\0';
	return STATUS_SUCCESS;
}

/* One component of n bytes. */
static ntstatus_t check_component(const char *p, size_t n)
{
	if (n == 0 || (n == 1 && p[0] == '.'))
		return STATUS_OBJECT_NAME_INVALID;
	if (n == 2 && p[0] == '.' && p[1] == '.')
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	size_t units = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (is_forbidden(c))
			return STATUS_OBJECT_NAME_INVALID;
		/* a continuation byte adds no unit, a four-byte sequence has two */
		units += (c & 0xC0) == 0x80 ? 0 : c >= 0xF0 ? 2 : 1;
	}
	return units > MAX_COMPONENT ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
}

ntstatus_t path_normalize(char *name)
{
	ntstatus_t s = drop_data_stream(name);
	size_t len = strlen(name);

	/* [MS-SMB2] 3.3.5.9: a leading separator is an error */
	if (name[0] == '\\')
		return STATUS_INVALID_PARAMETER;
	if (len && name[len - 1] == '\\') {
		name[--len] = '\0';
		if (len && name[len - 1] == '\\')
			return STATUS_OBJECT_NAME_INVALID;
	}
	for (char *p = name; status_is_ok(s) && *p;) {
		size_t n = strcspn(p, "\\");
		s = check_component(p, n);
		p += n;
		if (*p == '\\')
			*p++ = '/';
	}
	return s;
}

ntstatus_t path_from_wire(TALLOC_CTX *mem, struct bytes name, char **path)
{
	*path = utf16_to_utf8(mem, name);
	if (!*path)
		return STATUS_OBJECT_NAME_INVALID;
	return path_normalize(*path);
}

char *path_to_wire(TALLOC_CTX *mem, const char *path, bool leading)
{
	char *out = talloc_asprintf(mem, "%s%s", leading ? "\\" : "", path);

	for (char *p = out; p && *p; p++)
		if (*p == '/')
			*p = '\\';
	return out;
}
