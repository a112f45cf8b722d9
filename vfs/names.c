/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/names.h"

#include <errno.h>
#include <string.h>

enum {
	PUA_CONTROL = 0xF000, /* + 0x01..0x1F */
	PUA_FIRST_MARK = 0xF020,
	PUA_LAST_MARK = 0xF027,
	PUA_SPACE = 0xF028,
	PUA_PERIOD = 0xF029,
	PUA_BYTE = 0xEF80, /* + byte - 0x80 */
	PUA_BYTE_LAST = 0xEFFF,
};

static const char marks[] = "\"*:<>?\\|"; /* U+F020.. */

size_t utf8_decode(const char *s, size_t len, uint32_t *code_point)
{
	const uint8_t *p = (const uint8_t *)s;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*code_point = p[0];
		return 1;
	}
	n = p[0] >= 0xC2 && p[0] < 0xE0 ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] < 0xF5 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	uint32_t c = p[0] & (0x7F >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3F);
	}
	if (c < least[n] || c > 0x10FFFF)
		return 0;
	*code_point = c;
	return n;
}

/* Three bytes: every character of the private use area that occurs here. */
static char *put_pua(char *out, uint32_t c)
{
	*out++ = (char)(0xE0 | c >> 12);
	*out++ = (char)(0x80 | (c >> 6 & 0x3F));
	*out++ = (char)(0x80 | (c & 0x3F));
	return out;
}

static char *put_escaped(char *out, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out = put_pua(out, PUA_BYTE + ((uint8_t)bytes[i] - 0x80u));
	return out;
}

/* What a client must not see as a character of its own because it means, or would become, another one. */
static bool needs_escape(uint32_t c, const char *next, size_t left)
{
	uint32_t low;

	if ((c > PUA_CONTROL && c <= PUA_LAST_MARK) || (c >= PUA_BYTE && c <= PUA_BYTE_LAST))
		return true;
	if (c == PUA_SPACE || c == PUA_PERIOD)
		return left == 0;
	/* two surrogates side by side would become one character in UTF-16 */
	return c >= 0xD800 && c < 0xDC00 && utf8_decode(next, left, &low) && low >= 0xDC00 && low < 0xE000;
}

/* The private character for an ASCII one, 0 if it needs none. */
static uint32_t pua_for(uint8_t c, bool last)
{
	const char *mark;

	if (c < 0x20)
		return PUA_CONTROL + c;
	if (last && (c == ' ' || c == '.'))
		return c == ' ' ? PUA_SPACE : PUA_PERIOD;
	mark = strchr(marks, c);
	return mark ? PUA_FIRST_MARK + (uint32_t)(mark - marks) : 0;
}

static size_t component_to_client(const char *disk, size_t len, char *out)
{
	char *start = out;

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c = 0, p;
		n = utf8_decode(disk + i, len - i, &c);
		if (n == 1 && (p = pua_for((uint8_t)c, i + 1 == len))) {
			out = put_pua(out, p);
		} else if (n == 0 || needs_escape(c, disk + i + n, len - i - n)) {
			n = n ? n : 1;
			out = put_escaped(out, disk + i, n);
		} else {
			memcpy(out, disk + i, n);
			out += n;
		}
	}
	*out = 0;
	return (size_t)(out - start);
}

size_t name_to_client(const char *disk, char out[NAME_CLIENT_MAX])
{
	return component_to_client(disk, strnlen(disk, NAME_DISK_MAX), out);
}

/* The byte that a private character stands for, 0 if it stands for itself. */
static uint8_t byte_for(uint32_t c, bool last)
{
	if (c > PUA_CONTROL && c < PUA_FIRST_MARK)
		return (uint8_t)(c - PUA_CONTROL);
	if (c >= PUA_FIRST_MARK && c <= PUA_LAST_MARK)
		return (uint8_t)marks[c - PUA_FIRST_MARK];
	if (last && (c == PUA_SPACE || c == PUA_PERIOD))
		return c == PUA_SPACE ? ' ' : '.';
	if (c >= PUA_BYTE && c <= PUA_BYTE_LAST)
		return (uint8_t)(c - PUA_BYTE + 0x80);
	return 0;
}

/* Bytes written or -errno. Escaped bytes must be those that name_to_client escapes: a name has one form. */
static int component_to_disk(const char *client, size_t len, char out[NAME_DISK_MAX + 1])
{
	char again[NAME_CLIENT_MAX];
	size_t o = 0;
	bool bytes = false;

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c;
		n = utf8_decode(client + i, len - i, &c);
		if (n == 0)
			return -EILSEQ;
		uint8_t b = byte_for(c, i + n == len);
		bytes |= b >= 0x80;
		if (o + (b ? 1 : n) > NAME_DISK_MAX)
			return -ENAMETOOLONG;
		if (b)
			out[o++] = (char)b;
		else
			memcpy(out + o, client + i, n), o += n;
	}
	out[o] = 0;
	if (strcmp(out, ".") == 0 || strcmp(out, "..") == 0)
		return -EILSEQ;
	if (bytes && (component_to_client(out, o, again) != len || memcmp(again, client, len) != 0))
		return -EILSEQ;
	return (int)o;
}

static bool is_dots(const char *s, size_t len)
{
	return (len == 1 || len == 2) && s[0] == '.' && s[len - 1] == '.';
}

/* ASCII is the same on both sides. */
static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)s[i] >= 0x80)
			return false;
	return true;
}

int path_to_disk(const char *client, char *out, size_t cap)
{
	char name[NAME_DISK_MAX + 1];

	*out = 0;
	if (*client == 0)
		return 0;
	for (;;) {
		size_t len = strcspn(client, "/");
		const char *bytes = client;
		size_t n = len;
		if (len == 0 || is_dots(client, len))
			return -EINVAL;
		if (!is_plain(client, len)) {
			int rc = component_to_disk(client, len, name);
			if (rc < 0)
				return rc;
			bytes = name;
			n = (size_t)rc;
		}
		if (n > NAME_DISK_MAX || n >= cap)
			return -ENAMETOOLONG;
		memcpy(out, bytes, n);
		out += n;
		cap -= n + 1;
		client += len;
		*out = *client;
		if (*client++ == 0)
			return 0;
		out++;
	}
}
