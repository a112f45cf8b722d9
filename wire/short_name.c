/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/short_name.h"

#include "wire/utf16.h"

#include <ctype.h>
#include <string.h>

enum { BASE_MAX = 8, EXTENSION_MAX = 3, HASH_DIGITS = 5, TILDE = 1 + HASH_DIGITS };

static bool is_legal(char c)
{
	return isascii((unsigned char)c) && (isalnum((unsigned char)c) || (c && strchr("$%'-_@~`!(){}^#&", c)));
}

static size_t legal_run(const char *s)
{
	size_t n = 0;

	while (is_legal(s[n]))
		n++;
	return n;
}

static bool is_short(const char *name)
{
	size_t base = legal_run(name);

	if (base == 0 || base > BASE_MAX)
		return false;
	if (name[base] == '\0')
		return true;
	if (name[base] != '.')
		return false;
	size_t extension = legal_run(name + base + 1);
	return extension >= 1 && extension <= EXTENSION_MAX && name[base + 1 + extension] == '\0';
}

static char *put_upper(char *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*out++ = (char)toupper((unsigned char)s[i]);
	return out;
}

static char digit(uint64_t *hash)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char c = digits[*hash % 36];

	*hash /= 36;
	return c;
}

void short_name_of(const char *name, char out[SHORT_NAME_SIZE])
{
	const char *dot = strrchr(name, '.');
	uint64_t hash = name_casehash(name);
	char *p = out;

	if (is_short(name)) {
		*put_upper(out, name, strlen(name)) = '\0';
		return;
	}
	*p++ = is_legal(name[0]) ? (char)toupper((unsigned char)name[0]) : '_';
	for (int i = 0; i < HASH_DIGITS; i++)
		*p++ = digit(&hash);
	*p++ = '~';
	*p++ = digit(&hash);
	char *behind_dot = p + 1;
	for (const char *e = dot && dot != name ? dot + 1 : ""; *e && p < behind_dot + EXTENSION_MAX; e++) {
		if (!is_legal(*e))
			continue;
		if (p < behind_dot)
			*p++ = '.';
		p = put_upper(p, e, 1);
	}
	*p = '\0';
}

bool short_name_is_made(const char *name)
{
	size_t base = legal_run(name);

	return base == BASE_MAX && name[TILDE] == '~' && is_short(name);
}
