/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/smbpasswd.h"

#include "auth/crypto.h"

#include <stdio.h>

enum { HASH_DIGITS = 32, FLAGS_WIDTH = 11, NAME_MAX_BYTES = 255 };

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(struct bytes text, uint8_t out[16])
{
	if (text.len != HASH_DIGITS)
		return false;
	for (size_t i = 0; i < 16; i++) {
		int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The bytes up to the next colon, which is passed; the rest of the line if there is none. */
static struct bytes field(struct rd *r)
{
	const uint8_t *start = r->base + r->pos;
	size_t left = rd_left(r);
	const uint8_t *colon = left ? memchr(start, ':', left) : NULL;
	struct bytes f = rd_bytes(r, colon ? (size_t)(colon - start) : left);

	if (colon)
		rd_skip(r, 1);
	return f;
}

static bool parse_uid(struct bytes text, uint32_t *uid)
{
	uint64_t v = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(text.data[i] - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*uid = (uint32_t)v;
	return text.len > 0;
}

static void parse_flags(struct bytes text, struct userdb_entry *e)
{
	if (text.len < 2 || text.data[0] != '[')
		return; /* files older than the flags have none */
	for (size_t i = 1; i < text.len && text.data[i] != ']'; i++) {
		e->disabled |= text.data[i] == 'D';
		e->no_password_required |= text.data[i] == 'N';
	}
}

static int64_t parse_last_change(struct bytes text)
{
	uint64_t v = 0;

	if (text.len < 4 || memcmp(text.data, "LCT-", 4) != 0)
		return 0;
	for (size_t i = 4; i < text.len && i < 4 + 15; i++) {
		int d = hex_digit(text.data[i]);
		if (d < 0)
			break;
		v = v << 4 | (unsigned)d;
	}
	return (int64_t)v;
}

static bool parse(struct rd r, struct smbpasswd_line *out)
{
	out->name = field(&r);
	if (out->name.len == 0 || out->name.len > NAME_MAX_BYTES || out->name.data[0] == '#' ||
		memchr(out->name.data, 0, out->name.len))
		return false;
	if (!parse_uid(field(&r), &out->entry.uid))
		return false;
	struct bytes lm = field(&r), nt = field(&r);
	if (lm.len != HASH_DIGITS || nt.len != HASH_DIGITS)
		return false;
	/* "NO PASSWORDXXX..." and "XXX..." are not hexadecimal: no password that could match. */
	out->entry.has_password = parse_hash(nt, out->entry.nt_hash);
	parse_flags(field(&r), &out->entry);
	out->entry.last_change = parse_last_change(field(&r));
	return true;
}

bool smbpasswd_next(struct rd *r, struct smbpasswd_line *out)
{
	size_t left = rd_left(r);

	if (left == 0)
		return false;
	const uint8_t *start = r->base + r->pos, *end = memchr(start, '\n', left);
	size_t text = end ? (size_t)(end - start) : left;
	*out = (struct smbpasswd_line){.raw = rd_bytes(r, end ? text + 1 : text), .ended = end != NULL};
	if (text && start[text - 1] == '\r')
		text--;
	out->understood = parse(rd_over(BYTES(start, text)), out);
	return true;
}

size_t smbpasswd_format(const struct userdb_entry *e, char out[SMBPASSWD_LINE_MAX])
{
	char flags[FLAGS_WIDTH + 1], hash[HASH_DIGITS + 1] = "";

	for (int i = 0; i < 16; i++)
		snprintf(hash + 2 * i, 3, "%02X", e->nt_hash[i]);
	snprintf(flags, sizeof(flags), "U%s%s", e->disabled ? "D" : "", e->no_password_required ? "N" : "");
	int n = snprintf(out, SMBPASSWD_LINE_MAX,
		"%.*s:%u:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:%s:[%-*s]:LCT-%08llX:\n", NAME_MAX_BYTES, e->name,
		e->uid, e->has_password ? hash : "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", FLAGS_WIDTH, flags,
		(unsigned long long)e->last_change);
	crypto_wipe(hash, sizeof(hash));
	return (size_t)n;
}
