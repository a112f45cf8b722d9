/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/hosts.h"

#include "core/bytes.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Addresses are compared as IPv6; those of IPv4 are mapped, RFC 4291 2.5.5.2. */
struct address {
	uint8_t octets[16];
};
enum { BITS = 128, MAPPED_PREFIX = 96 };
static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct client {
	struct address addr;
	bool addr_known, loopback;
	const char *name;
};

static bool read_address(const char *text, size_t len, struct address *out, bool *v4)
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memcpy(out->octets, mapped, sizeof(mapped));
	*v4 = inet_pton(AF_INET, copy, out->octets + sizeof(mapped)) == 1;
	return *v4 || inet_pton(AF_INET6, copy, out->octets) == 1;
}

static bool same_prefix(const struct address *a, const struct address *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a->octets, b->octets, whole) != 0)
		return false;
	return !rest || ((a->octets[whole] ^ b->octets[whole]) >> (8 - rest)) == 0;
}

/* "24" or "255.255.255.0" after the slash, as leading bits of the mapped form. */
static bool read_mask(const char *text, bool v4, unsigned *bits)
{
	unsigned most = v4 ? 32 : 128;
	struct address a;
	char *end;
	bool dotted;

	if (v4 && strchr(text, '.')) {
		if (!read_address(text, strlen(text), &a, &dotted) || !dotted)
			return false;
		uint32_t m =
			(uint32_t)a.octets[12] << 24 | a.octets[13] << 16 | a.octets[14] << 8 | a.octets[15];
		uint32_t host = ~m;
		if (host & (host + 1))
			return false;
		*bits = MAPPED_PREFIX + (m ? (unsigned)__builtin_popcount(m) : 0);
		return true;
	}
	if (!isdigit((unsigned char)*text))
		return false;
	unsigned long n = strtoul(text, &end, 10);
	if (*end || n > most)
		return false;
	*bits = (v4 ? MAPPED_PREFIX : 0) + (unsigned)n;
	return true;
}

/* "10.1." and so on: whole octets with a dot after each. */
static bool read_beginning(const char *word, struct address *out, unsigned *bits)
{
	unsigned n = 0;

	memcpy(out->octets, mapped, sizeof(mapped));
	memset(out->octets + sizeof(mapped), 0, 4);
	while (*word) {
		char *end;
		if (n == 3 || !isdigit((unsigned char)*word))
			return false;
		unsigned long octet = strtoul(word, &end, 10);
		if (octet > 255 || *end != '.')
			return false;
		out->octets[sizeof(mapped) + n++] = (uint8_t)octet;
		word = end + 1;
	}
	*bits = MAPPED_PREFIX + 8 * n;
	return n > 0;
}

static bool read_net(const char *word, struct address *out, unsigned *bits)
{
	const char *slash = strchr(word, '/');
	size_t len = slash ? (size_t)(slash - word) : strlen(word);
	bool v4;

	*bits = BITS;
	if (read_address(word, len, out, &v4))
		return !slash || read_mask(slash + 1, v4, bits);
	return !slash && read_beginning(word, out, bits);
}

static bool is_keyword(const char *word)
{
	static const char *const keywords[] = {"ALL", "LOCAL", "FAIL", "EXCEPT", "localhost"};

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strcasecmp(word, keywords[i]) == 0)
			return true;
	return false;
}

enum conf_host_word conf_host_word(const char *word)
{
	struct address a;
	unsigned bits;

	if (is_keyword(word))
		return CONF_HOST_KEYWORD;
	if (*word == '@')
		return CONF_HOST_NETGROUP;
	if (read_net(word, &a, &bits))
		return CONF_HOST_ADDRESS;
	/* A name has a letter in its last part; what looks like a number and cannot be read is a mistake. */
	const char *last = strrchr(word, '.');
	last = last ? last + 1 : word;
	if (word[strspn(word, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_")] ||
		!*last || last[strspn(last, "0123456789")] == '\0')
		return CONF_HOST_INVALID;
	return CONF_HOST_NAME;
}

static bool name_matches(const char *word, const char *name)
{
	size_t n = strlen(word), have = strlen(name);

	if (*word == '.')
		return have > n && strcasecmp(name + have - n, word) == 0;
	return strcasecmp(name, word) == 0;
}

static bool word_matches(const char *word, const struct client *c)
{
	struct address net;
	unsigned bits;

	if (strcasecmp(word, "ALL") == 0)
		return true;
	if (strcasecmp(word, "FAIL") == 0)
		return false;
	if (strcasecmp(word, "localhost") == 0)
		return c->loopback;
	if (strcasecmp(word, "LOCAL") == 0)
		return c->loopback || (c->name && *c->name && !strchr(c->name, '.') && !strchr(c->name, ':'));
	if (read_net(word, &net, &bits))
		return c->addr_known && same_prefix(&net, &c->addr, bits);
	return c->name && name_matches(word, c->name);
}

/* "a b EXCEPT c EXCEPT d": a or b, unless (c, unless d). */
static bool list_matches(const char *const *list, const struct client *c)
{
	bool matched = false;

	for (; *list && strcasecmp(*list, "EXCEPT") != 0; list++)
		matched = matched || word_matches(*list, c);
	return matched && !(*list && list_matches(list + 1, c));
}

static bool is_loopback(const struct address *a)
{
	static const struct address v6 = {{[15] = 1}}, v4 = {{[10] = 0xff, [11] = 0xff, [12] = 127}};

	return same_prefix(a, &v6, BITS) || same_prefix(a, &v4, MAPPED_PREFIX + 8);
}

bool conf_hosts_allowed(const char *const *allow, const char *const *deny, const char *addr, const char *name)
{
	struct client c = {.name = name};
	bool v4;

	if (!*allow && !*deny)
		return true;
	c.addr_known = read_address(addr, strcspn(addr, "%"), &c.addr, &v4);
	if (!c.addr_known)
		return false;
	c.loopback = is_loopback(&c.addr);
	if (*allow && list_matches(allow, &c))
		return true;
	if (*deny && list_matches(deny, &c))
		return false;
	return c.loopback || !*allow || *deny;
}
