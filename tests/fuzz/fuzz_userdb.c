/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/smbpasswd.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood is written so that it is understood the same again. */
static void round_trip(struct smbpasswd_line *l)
{
	char text[SMBPASSWD_LINE_MAX], name[256];
	struct smbpasswd_line again;

	memcpy(name, l->name.data, l->name.len);
	name[l->name.len] = 0;
	l->entry.name = name;
	struct rd r = rd_over(BYTES(text, smbpasswd_format(&l->entry, text)));
	const struct userdb_entry *a = &l->entry, *b = &again.entry;
	if (!smbpasswd_next(&r, &again) || rd_left(&r) || !again.understood ||
		!bytes_equal(again.name, l->name) || a->uid != b->uid || a->has_password != b->has_password ||
		a->disabled != b->disabled || a->no_password_required != b->no_password_required ||
		a->last_change != b->last_change ||
		(a->has_password && memcmp(a->nt_hash, b->nt_hash, sizeof(a->nt_hash)) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_over(BYTES(data, size));
	struct smbpasswd_line l;
	size_t at = 0;

	while (smbpasswd_next(&r, &l)) {
		/* Together the lines are the file: a rewrite loses nothing. */
		if (l.raw.data != data + at)
			abort();
		at += l.raw.len;
		if (l.understood)
			round_trip(&l);
	}
	if (at != size)
		abort();
	return 0;
}
