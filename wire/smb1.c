/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/commands.h"

/* The one SMB1 message that an SMB2 server reads, [MS-CIFS] 2.2.3.1 and 2.2.4.52.1. */

enum { SMB_COM_NEGOTIATE = 0x72, SMB1_HEADER_SIZE = 32, DIALECT_FORMAT = 0x02 };

/* Up to and without the NUL, which is consumed too; bad without one. */
static struct bytes rd_c_string(struct rd *r)
{
	const uint8_t *start = r->base + r->pos;
	const uint8_t *end = rd_left(r) ? memchr(start, 0, rd_left(r)) : NULL;

	if (!end) {
		r->bad = true;
		return BYTES(NULL, 0);
	}
	return BYTES(rd_bytes(r, (size_t)(end - start) + 1).data, (size_t)(end - start));
}

static bool is_dialect(struct bytes b, const char *name)
{
	return bytes_equal(b, BYTES(name, strlen(name)));
}

bool smb1_negotiate_decode(struct bytes b, bool *has_2002, bool *has_2xxx)
{
	struct rd r = rd_over(b);

	*has_2002 = *has_2xxx = false;
	if (rd_u32(&r) != SMB1_PROTOCOL_ID || rd_u8(&r) != SMB_COM_NEGOTIATE)
		return false;
	rd_seek(&r, SMB1_HEADER_SIZE);
	if (rd_u8(&r) != 0) /* WordCount */
		return false;
	struct rd dialects = rd_over(rd_bytes(&r, rd_u16(&r)));
	while (rd_left(&dialects)) {
		if (rd_u8(&dialects) != DIALECT_FORMAT)
			return false;
		struct bytes name = rd_c_string(&dialects);
		*has_2002 |= is_dialect(name, "SMB 2.002");
		*has_2xxx |= is_dialect(name, "SMB 2.???");
	}
	return !r.bad && !dialects.bad;
}
