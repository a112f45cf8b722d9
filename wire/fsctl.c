/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/fsctl.h"

#include "wire/info_parts.h"

const char *fsctl_name(uint32_t code)
{
	static const struct {
		uint32_t code;
		const char *name;
	} names[] = {
#define X(name, value) {value, #name},
		FSCTL_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}

bool fsctl_validate_negotiate_req_decode(struct bytes in, struct fsctl_validate_negotiate_req *out)
{
	struct rd r = rd_over(in);

	out->capabilities = rd_u32(&r);
	rd_copy(&r, out->guid, sizeof(out->guid));
	out->security_mode = rd_u16(&r);
	out->dialect_count = rd_u16(&r);
	if (out->dialect_count > SMB2_MAX_DIALECTS)
		return false;
	for (unsigned i = 0; i < out->dialect_count; i++)
		out->dialects[i] = rd_u16(&r);
	return !r.bad;
}

void fsctl_validate_negotiate_req_encode(struct wr *w, const struct fsctl_validate_negotiate_req *in)
{
	wr_u32(w, in->capabilities);
	wr_bytes(w, BYTES(in->guid, sizeof(in->guid)));
	wr_u16(w, in->security_mode);
	wr_u16(w, in->dialect_count);
	for (unsigned i = 0; i < in->dialect_count && i < SMB2_MAX_DIALECTS; i++)
		wr_u16(w, in->dialects[i]);
}

bool fsctl_validate_negotiate_rsp_decode(struct bytes in, struct fsctl_validate_negotiate_rsp *out)
{
	struct rd r = rd_over(in);

	out->capabilities = rd_u32(&r);
	rd_copy(&r, out->guid, sizeof(out->guid));
	out->security_mode = rd_u16(&r);
	out->dialect = rd_u16(&r);
	return !r.bad;
}

void fsctl_validate_negotiate_rsp_encode(struct wr *w, const struct fsctl_validate_negotiate_rsp *in)
{
	wr_u32(w, in->capabilities);
	wr_bytes(w, BYTES(in->guid, sizeof(in->guid)));
	wr_u16(w, in->security_mode);
	wr_u16(w, in->dialect);
}

/* [MS-SMB2] 2.2.32.5.1: the family numbers are those of Windows. */
enum { SOCKADDR_INET = 0x0002, SOCKADDR_INET6 = 0x0017, SOCKADDR_STORAGE_SIZE = 128 };

static void put_sockaddr(struct wr *w, const struct fsctl_network_interface *i)
{
	size_t start = w->pos;

	wr_u16(w, i->ipv6 ? SOCKADDR_INET6 : SOCKADDR_INET);
	wr_u16(w, 0);
	if (i->ipv6) {
		wr_u32(w, 0);
		wr_bytes(w, BYTES(i->address, 16));
		wr_u32(w, i->scope_id);
	} else {
		wr_bytes(w, BYTES(i->address, 4));
	}
	wr_zero(w, SOCKADDR_STORAGE_SIZE - (w->pos - start));
}

/* False for a family that is none of the two. */
static bool get_sockaddr(struct rd *r, struct fsctl_network_interface *i)
{
	struct rd s = rd_over(rd_bytes(r, SOCKADDR_STORAGE_SIZE));
	uint16_t family = rd_u16(&s);

	rd_skip(&s, 2);
	i->ipv6 = family == SOCKADDR_INET6;
	if (i->ipv6) {
		rd_skip(&s, 4);
		rd_copy(&s, i->address, 16);
		i->scope_id = rd_u32(&s);
	} else {
		rd_copy(&s, i->address, 4);
	}
	return i->ipv6 || family == SOCKADDR_INET;
}

bool fsctl_network_interface_append(struct wr *w, const struct fsctl_network_interface *i, size_t *last)
{
	size_t before = w->pos, start;

	if (wr_left(w) < NETWORK_INTERFACE_SIZE)
		return false;
	start = info_entry_begin(w, *last, 8);
	wr_u32(w, 0);
	wr_u32(w, i->if_index);
	wr_u32(w, i->capability);
	wr_u32(w, 0);
	wr_u64(w, i->link_speed);
	put_sockaddr(w, i);
	return info_entry_end(w, before, start, last);
}

bool fsctl_network_interface_walk(
	struct bytes in, bool (*fn)(void *arg, const struct fsctl_network_interface *i), void *arg)
{
	bool malformed = false;
	struct rd r;

	while (info_entry_next(&in, NETWORK_INTERFACE_SIZE, &r, &malformed)) {
		struct fsctl_network_interface i = {0};
		bool known;

		i.if_index = rd_u32(&r);
		i.capability = rd_u32(&r);
		rd_skip(&r, 4);
		i.link_speed = rd_u64(&r);
		known = get_sockaddr(&r, &i);
		if (r.bad)
			return false;
		if (known && !fn(arg, &i))
			break;
	}
	return !malformed;
}

/* [MS-SMB2] 2.2.32.3: ContextLength is 0, and yet four bytes of Context follow, as clients expect them. */
bool fsctl_resume_key_rsp_decode(struct bytes in, struct fsctl_resume_key_rsp *out)
{
	struct rd r = rd_over(in);

	rd_copy(&r, out->key, sizeof(out->key));
	rd_skip(&r, 4);
	return !r.bad;
}

void fsctl_resume_key_rsp_encode(struct wr *w, const struct fsctl_resume_key_rsp *in)
{
	wr_bytes(w, BYTES(in->key, sizeof(in->key)));
	wr_zero(w, FSCTL_RESUME_KEY_RSP_SIZE - FSCTL_RESUME_KEY_SIZE);
}

bool fsctl_copychunk_chunk_decode(struct rd *r, struct fsctl_copychunk_chunk *out)
{
	out->source_offset = rd_u64(r);
	out->target_offset = rd_u64(r);
	out->length = rd_u32(r);
	rd_skip(r, 4);
	return !r->bad;
}

void fsctl_copychunk_chunk_encode(struct wr *w, const struct fsctl_copychunk_chunk *c)
{
	wr_u64(w, c->source_offset);
	wr_u64(w, c->target_offset);
	wr_u32(w, c->length);
	wr_zero(w, 4);
}

bool fsctl_copychunk_req_decode(struct bytes in, struct fsctl_copychunk_req *out)
{
	struct rd r = rd_over(in);

	rd_copy(&r, out->source_key, sizeof(out->source_key));
	out->chunk_count = rd_u32(&r);
	rd_skip(&r, 4);
	if (out->chunk_count > rd_left(&r) / FSCTL_COPYCHUNK_CHUNK_SIZE)
		return false;
	out->chunks = rd_bytes(&r, (size_t)out->chunk_count * FSCTL_COPYCHUNK_CHUNK_SIZE);
	return !r.bad;
}

void fsctl_copychunk_req_encode(struct wr *w, const struct fsctl_copychunk_req *in)
{
	wr_bytes(w, BYTES(in->source_key, sizeof(in->source_key)));
	wr_u32(w, in->chunk_count);
	wr_zero(w, 4);
	wr_bytes(w, in->chunks);
}

bool fsctl_copychunk_rsp_decode(struct bytes in, struct fsctl_copychunk_rsp *out)
{
	struct rd r = rd_over(in);

	out->chunks_written = rd_u32(&r);
	out->chunk_bytes_written = rd_u32(&r);
	out->total_bytes_written = rd_u32(&r);
	return !r.bad;
}

void fsctl_copychunk_rsp_encode(struct wr *w, const struct fsctl_copychunk_rsp *in)
{
	wr_u32(w, in->chunks_written);
	wr_u32(w, in->chunk_bytes_written);
	wr_u32(w, in->total_bytes_written);
}

bool fsctl_set_sparse_req_decode(struct bytes in, struct fsctl_set_sparse_req *out)
{
	struct rd r = rd_over(in);

	out->sparse = in.len == 0 || rd_u8(&r) != 0;
	return true;
}

void fsctl_set_sparse_req_encode(struct wr *w, const struct fsctl_set_sparse_req *in)
{
	wr_u8(w, in->sparse);
}

bool fsctl_set_zero_data_req_decode(struct bytes in, struct fsctl_set_zero_data_req *out)
{
	struct rd r = rd_over(in);

	out->offset = rd_u64(&r);
	out->beyond_final_zero = rd_u64(&r);
	return !r.bad;
}

void fsctl_set_zero_data_req_encode(struct wr *w, const struct fsctl_set_zero_data_req *in)
{
	wr_u64(w, in->offset);
	wr_u64(w, in->beyond_final_zero);
}

bool fsctl_file_range_decode(struct bytes in, struct fsctl_file_range *out)
{
	struct rd r = rd_over(in);

	out->offset = rd_u64(&r);
	out->length = rd_u64(&r);
	return !r.bad;
}

void fsctl_file_range_encode(struct wr *w, const struct fsctl_file_range *in)
{
	wr_u64(w, in->offset);
	wr_u64(w, in->length);
}

bool fsctl_object_id_rsp_decode(struct bytes in, struct fsctl_object_id_rsp *out)
{
	struct rd r = rd_over(in);

	rd_copy(&r, out->object_id, 16);
	rd_copy(&r, out->birth_volume_id, 16);
	rd_copy(&r, out->birth_object_id, 16);
	rd_copy(&r, out->domain_id, 16);
	return !r.bad;
}

void fsctl_object_id_rsp_encode(struct wr *w, const struct fsctl_object_id_rsp *in)
{
	wr_bytes(w, BYTES(in->object_id, 16));
	wr_bytes(w, BYTES(in->birth_volume_id, 16));
	wr_bytes(w, BYTES(in->birth_object_id, 16));
	wr_bytes(w, BYTES(in->domain_id, 16));
}

/* [MS-SMB2] 2.2.32.2: with no name returned the array is absent, whatever its size would be. */
bool fsctl_enumerate_snapshots_rsp_decode(struct bytes in, struct fsctl_enumerate_snapshots_rsp *out)
{
	struct rd r = rd_over(in);

	out->count = rd_u32(&r);
	out->returned_count = rd_u32(&r);
	out->array_size = rd_u32(&r);
	out->names = rd_bytes(&r, out->returned_count ? out->array_size : 0);
	return !r.bad;
}

void fsctl_enumerate_snapshots_rsp_encode(struct wr *w, const struct fsctl_enumerate_snapshots_rsp *in)
{
	size_t start = w->pos;

	wr_u32(w, in->count);
	wr_u32(w, in->returned_count);
	wr_u32(w, in->array_size);
	wr_bytes(w, in->names);
	if (w->pos - start < FSCTL_ENUMERATE_SNAPSHOTS_RSP_MIN_SIZE)
		wr_zero(w, FSCTL_ENUMERATE_SNAPSHOTS_RSP_MIN_SIZE - (w->pos - start));
}

bool fsctl_pipe_wait_req_decode(struct bytes in, struct fsctl_pipe_wait_req *out)
{
	struct rd r = rd_over(in);
	size_t n;

	out->timeout = rd_u64(&r);
	n = rd_u32(&r);
	out->timeout_specified = rd_u8(&r) != 0;
	rd_skip(&r, 1);
	out->name = rd_bytes(&r, n);
	return !r.bad;
}

void fsctl_pipe_wait_req_encode(struct wr *w, const struct fsctl_pipe_wait_req *in)
{
	wr_u64(w, in->timeout);
	wr_u32(w, in->name.len);
	wr_u8(w, in->timeout_specified);
	wr_zero(w, 1);
	wr_bytes(w, in->name);
}
