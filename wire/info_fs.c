/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

#include "wire/info_parts.h"

/* FILESYSTEM query classes, [MS-FSCC] 2.5: one row each at the end of this file. */

/* The label's length stands before SupportsObjects, so its place is not where the fixed part ends. */
enum { VOLUME_LABEL_LENGTH = 12, ATTRIBUTE_NAME_LENGTH = 8 };

static void put_volume(struct wr *w, const struct fs_facts *f)
{
	wr_u64(w, f->volume_creation_time);
	wr_u32(w, f->volume_serial);
	wr_u32(w, 0);
	wr_zero(w, 2);
}

static void get_volume(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	f->volume_creation_time = rd_u64(r);
	f->volume_serial = rd_u32(r);
	*name_length = rd_u32(r);
	rd_skip(r, 2);
}

static void put_size(struct wr *w, const struct fs_facts *f)
{
	wr_u64(w, f->total_units);
	wr_u64(w, f->caller_free_units);
	wr_u32(w, f->sectors_per_unit);
	wr_u32(w, f->bytes_per_sector);
}

static void get_size(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	f->total_units = rd_u64(r);
	f->caller_free_units = rd_u64(r);
	f->sectors_per_unit = rd_u32(r);
	f->bytes_per_sector = rd_u32(r);
}

static void put_device(struct wr *w, const struct fs_facts *f)
{
	wr_u32(w, f->device_type);
	wr_u32(w, f->device_characteristics);
}

static void get_device(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	f->device_type = rd_u32(r);
	f->device_characteristics = rd_u32(r);
}

static void put_attribute(struct wr *w, const struct fs_facts *f)
{
	wr_u32(w, f->fs_attributes);
	wr_u32(w, f->max_name_length);
	wr_u32(w, 0);
}

static void get_attribute(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	f->fs_attributes = rd_u32(r);
	f->max_name_length = rd_u32(r);
	*name_length = rd_u32(r);
}

/* [MS-FSCC] 2.5.2: no content index, and quotas that limit nobody (all ones: no limit). */
static void put_control(struct wr *w, const struct fs_facts *f)
{
	wr_zero(w, 24);
	wr_u64(w, UINT64_MAX);
	wr_u64(w, UINT64_MAX);
	wr_zero(w, 8);
}

static void get_control(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	rd_skip(r, 48);
}

static void put_full_size(struct wr *w, const struct fs_facts *f)
{
	wr_u64(w, f->total_units);
	wr_u64(w, f->caller_free_units);
	wr_u64(w, f->actual_free_units);
	wr_u32(w, f->sectors_per_unit);
	wr_u32(w, f->bytes_per_sector);
}

static void get_full_size(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	f->total_units = rd_u64(r);
	f->caller_free_units = rd_u64(r);
	f->actual_free_units = rd_u64(r);
	f->sectors_per_unit = rd_u32(r);
	f->bytes_per_sector = rd_u32(r);
}

static void put_object_id(struct wr *w, const struct fs_facts *f)
{
	wr_bytes(w, BYTES(f->object_id, sizeof(f->object_id)));
	wr_zero(w, 48);
}

static void get_object_id(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	rd_copy(r, f->object_id, sizeof(f->object_id));
	rd_skip(r, 48);
}

/*
 * [MS-FSCC] 2.5.8: three physical sizes (atomicity, performance, effective atomicity), flags, two alignments.
 */
static void put_sector_size(struct wr *w, const struct fs_facts *f)
{
	wr_u32(w, f->bytes_per_sector);
	for (int i = 0; i < 3; i++)
		wr_u32(w, f->sector_physical);
	wr_u32(w, f->sector_flags);
	wr_zero(w, 8);
}

static void get_sector_size(struct rd *r, struct fs_facts *f, size_t *name_length)
{
	f->bytes_per_sector = rd_u32(r);
	f->sector_physical = rd_u32(r);
	rd_skip(r, 8);
	f->sector_flags = rd_u32(r);
	rd_skip(r, 8);
}

/*
 * As in wire/info_file.c; `name_at` is where the length of the name behind the fixed part stands, 0: no name.
 */
struct fs_class {
	uint8_t info_class;
	uint8_t minimum;
	uint8_t name_at;
	void (*put)(struct wr *, const struct fs_facts *);
	void (*get)(struct rd *, struct fs_facts *, size_t *name_length);
};

static const struct fs_class classes[] = {
	{FileFsVolumeInformation, 24, VOLUME_LABEL_LENGTH, put_volume, get_volume},
	{FileFsSizeInformation, 24, 0, put_size, get_size},
	{FileFsDeviceInformation, 8, 0, put_device, get_device},
	{FileFsAttributeInformation, 16, ATTRIBUTE_NAME_LENGTH, put_attribute, get_attribute},
	{FileFsControlInformation, 48, 0, put_control, get_control},
	{FileFsFullSizeInformation, 32, 0, put_full_size, get_full_size},
	{FileFsObjectIdInformation, 64, 0, put_object_id, get_object_id},
	{FileFsSectorSizeInformation, 28, 0, put_sector_size, get_sector_size},
};

static const struct fs_class *find_class(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].info_class == info_class)
			return &classes[i];
	return NULL;
}

static const char **name_of(const struct fs_class *c, struct fs_facts *f)
{
	return c->info_class == FileFsVolumeInformation ? &f->label : &f->fs_name;
}

ntstatus_t fs_info_encode(struct wr *w, uint8_t info_class, const struct fs_facts *f)
{
	const struct fs_class *c = find_class(info_class);
	struct wr begin = *w;
	ntstatus_t status = STATUS_SUCCESS;

	if (!c)
		return STATUS_INVALID_INFO_CLASS;
	if (wr_left(w) < c->minimum)
		return STATUS_INFO_LENGTH_MISMATCH;
	c->put(w, f);
	if (c->name_at)
		status = info_put_tail_name(w, begin.pos + c->name_at, *name_of(c, (struct fs_facts *)f));
	if (status_is_error(status))
		*w = begin;
	return status;
}

bool fs_info_decode(void *mem, uint8_t info_class, struct bytes in, struct fs_facts *f)
{
	const struct fs_class *c = find_class(info_class);
	struct rd r = rd_over(in);
	size_t name_length = 0;

	if (!c)
		return false;
	c->get(&r, f, &name_length);
	if (c->name_at)
		*name_of(c, f) = info_get_name(mem, &r, name_length);
	return !r.bad;
}
