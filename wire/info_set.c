/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

/* The bodies of SET_INFO, [MS-FSCC] 2.4. Bytes behind a body are padding of some clients and no error. */

bool file_basic_info_decode(struct bytes in, struct file_basic_info *out)
{
	struct rd r = rd_over(in);

	out->creation_time = rd_u64(&r);
	out->last_access_time = rd_u64(&r);
	out->last_write_time = rd_u64(&r);
	out->change_time = rd_u64(&r);
	out->attributes = rd_u32(&r);
	rd_skip(&r, 4);
	return !r.bad;
}

void file_basic_info_encode(struct wr *w, const struct file_basic_info *i)
{
	wr_u64(w, i->creation_time);
	wr_u64(w, i->last_access_time);
	wr_u64(w, i->last_write_time);
	wr_u64(w, i->change_time);
	wr_u32(w, i->attributes);
	wr_zero(w, 4);
}

/* [MS-FSCC] 2.4.42.2 and 2.4.43: RenameEx has a 32-bit Flags where the others have a Boolean and padding. */
bool file_rename_info_decode(struct bytes in, uint8_t info_class, struct file_rename_info *out)
{
	struct rd r = rd_over(in);

	if (info_class == FileRenameInformationEx)
		out->flags = rd_u32(&r);
	else
		out->flags = rd_u8(&r) != 0;
	rd_seek(&r, 8);
	out->root_directory = rd_u64(&r);
	size_t n = rd_u32(&r);
	out->name = rd_bytes(&r, n);
	return !r.bad;
}

void file_rename_info_encode(struct wr *w, uint8_t info_class, const struct file_rename_info *i)
{
	if (info_class == FileRenameInformationEx) {
		wr_u32(w, i->flags);
		wr_zero(w, 4);
	} else {
		wr_u8(w, i->flags & 1);
		wr_zero(w, 7);
	}
	wr_u64(w, i->root_directory);
	wr_u32(w, i->name.len);
	wr_bytes(w, i->name);
}

bool file_disposition_info_decode(struct bytes in, uint8_t info_class, uint32_t *flags)
{
	struct rd r = rd_over(in);

	if (info_class == FileDispositionInformationEx)
		*flags = rd_u32(&r);
	else
		*flags = rd_u8(&r) != 0;
	return !r.bad;
}

void file_disposition_info_encode(struct wr *w, uint8_t info_class, uint32_t flags)
{
	if (info_class == FileDispositionInformationEx)
		wr_u32(w, flags);
	else
		wr_u8(w, flags & 1);
}

bool file_u64_info_decode(struct bytes in, uint64_t *v)
{
	struct rd r = rd_over(in);

	*v = rd_u64(&r);
	return !r.bad;
}

void file_u64_info_encode(struct wr *w, uint64_t v)
{
	wr_u64(w, v);
}
