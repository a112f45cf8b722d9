/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/daxsmb.h"
#include "client/path.h"
#include "wire/utf16.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

char *client_path_normalize(TALLOC_CTX *mem, const char *path)
{
	char *out = talloc_array(mem, char, strlen(path) + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	for (; *path; path++) {
		bool separator = *path == '/' || *path == '\\';

		if (separator && (n == 0 || out[n - 1] == '\\'))
			continue;
		out[n++] = separator ? '\\' : *path;
	}
	if (n && out[n - 1] == '\\')
		n--;
	out[n] = '\0';
	return out;
}

struct bytes client_path_to_wire(TALLOC_CTX *mem, const char *path)
{
	char *clean = client_path_normalize(mem, path);
	struct bytes b = clean ? utf16_from_utf8(mem, clean) : BYTES(NULL, 0);

	talloc_free(clean);
	return b;
}

char *client_path_join(TALLOC_CTX *mem, const char *dir, const char *name)
{
	return *dir ? talloc_asprintf(mem, "%s\\%s", dir, name) : talloc_strdup(mem, name);
}

const char *client_path_last(const char *path)
{
	const char *slash = strrchr(path, '\\');

	return slash ? slash + 1 : path;
}

static bool parse_port(const char *s, size_t n, uint16_t *port)
{
	unsigned v = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	*port = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

/* host, host:port, [address] or [address]:port */
static bool parse_authority(TALLOC_CTX *mem, const char *s, size_t n, struct daxsmb_url *out)
{
	bool bracket = n && s[0] == '[';
	const char *end = bracket ? memchr(s, ']', n) : memchr(s, ':', n);
	const char *host = bracket ? s + 1 : s;
	size_t host_len = end ? (size_t)(end - host) : n;
	const char *rest = end ? end + bracket : s + n;

	if ((bracket && !end) || host_len == 0)
		return false;
	out->port = 0;
	if (rest < s + n && (*rest != ':' || !parse_port(rest + 1, (size_t)(s + n - rest) - 1, &out->port)))
		return false;
	out->host = talloc_strndup(mem, host, host_len);
	return out->host != NULL;
}

bool daxsmb_url_parse(TALLOC_CTX *mem, const char *text, struct daxsmb_url *out)
{
	size_t n;

	*out = (struct daxsmb_url){0};
	if (strncasecmp(text, "smb:", 4) == 0)
		text += 4;
	if (strspn(text, "/\\") != 2)
		return false;
	text += 2;
	n = strcspn(text, "/\\");
	if (!parse_authority(mem, text, n, out))
		return false;
	text += n;
	text += strspn(text, "/\\");
	n = strcspn(text, "/\\");
	out->share = talloc_strndup(mem, text, n);
	out->path = client_path_normalize(mem, text + n);
	return out->share && out->path;
}
