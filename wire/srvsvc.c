/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/srvsvc.h"

#include <talloc.h>

const struct dcerpc_syntax srvsvc_interface = {
	{0xC8, 0x4F, 0x32, 0x4B, 0x70, 0x16, 0xD3, 0x01, 0x12, 0x78, 0x5A, 0x47, 0xBF, 0x6E, 0xE1, 0x88}, 3};

#define NUMBER(type, member) {NDR_U32, offsetof(struct type, member)}
#define STRING(type, member) {NDR_STRING, offsetof(struct type, member)}
#define BLOB(type, member) {NDR_BLOB, offsetof(struct type, member)}

#define SHARE_NAME STRING(srvsvc_share, name)
#define SHARE_TYPE NUMBER(srvsvc_share, type)
#define SHARE_COMMENT STRING(srvsvc_share, comment)
#define SHARE_USES                                                                                            \
	NUMBER(srvsvc_share, permissions), NUMBER(srvsvc_share, max_uses), NUMBER(srvsvc_share, current_uses)
#define SHARE_PLACE STRING(srvsvc_share, path), STRING(srvsvc_share, password)

/* The last row is for a single share only: SHARE_ENUM_UNION has no arm for it. */
static const struct ndr_layout share_levels[] = {
	{0, 1, {SHARE_NAME}},
	{1, 3, {SHARE_NAME, SHARE_TYPE, SHARE_COMMENT}},
	{2, 8, {SHARE_NAME, SHARE_TYPE, SHARE_COMMENT, SHARE_USES, SHARE_PLACE}},
	{501, 4, {SHARE_NAME, SHARE_TYPE, SHARE_COMMENT, NUMBER(srvsvc_share, flags)}},
	{502, 9, {SHARE_NAME, SHARE_TYPE, SHARE_COMMENT, SHARE_USES, SHARE_PLACE,
		BLOB(srvsvc_share, security_descriptor)}},
	{1005, 1, {NUMBER(srvsvc_share, flags)}},
};

#define SERVER_ID NUMBER(srvsvc_server, platform_id), STRING(srvsvc_server, name)
#define SERVER_KIND                                                                                           \
	NUMBER(srvsvc_server, version_major), NUMBER(srvsvc_server, version_minor), NUMBER(srvsvc_server, type), \
		STRING(srvsvc_server, comment)

static const struct ndr_layout server_levels[] = {
	{100, 2, {SERVER_ID}},
	{101, 6, {SERVER_ID, SERVER_KIND}},
	{102, 13, {SERVER_ID, SERVER_KIND, NUMBER(srvsvc_server, users), NUMBER(srvsvc_server, disconnect),
		NUMBER(srvsvc_server, hidden), NUMBER(srvsvc_server, announce),
		NUMBER(srvsvc_server, announce_delta), NUMBER(srvsvc_server, licenses),
		STRING(srvsvc_server, user_path)}},
};

static const struct ndr_layout time_of_day = {0, 12, {
	NUMBER(srvsvc_time_of_day, elapsed), NUMBER(srvsvc_time_of_day, milliseconds),
	NUMBER(srvsvc_time_of_day, hours), NUMBER(srvsvc_time_of_day, minutes),
	NUMBER(srvsvc_time_of_day, seconds), NUMBER(srvsvc_time_of_day, hundredths),
	NUMBER(srvsvc_time_of_day, timezone), NUMBER(srvsvc_time_of_day, tick),
	NUMBER(srvsvc_time_of_day, day), NUMBER(srvsvc_time_of_day, month),
	NUMBER(srvsvc_time_of_day, year), NUMBER(srvsvc_time_of_day, weekday)}};

const struct ndr_layout *srvsvc_share_level(uint32_t level, bool single)
{
	return ndr_find_level(share_levels, ARRAY_SIZE(share_levels) - !single, level);
}

const struct ndr_layout *srvsvc_server_level(uint32_t level)
{
	return ndr_find_level(server_levels, ARRAY_SIZE(server_levels), level);
}

/*
 * SHARE_ENUM_STRUCT, [MS-SRVS] 2.2.4.38: the level, the discriminant of the union again, a pointer to the
 * container: EntriesRead and a pointer to the conformant array.
 */
static void put_share_list(struct wr *w, uint32_t level, const struct srvsvc_share *shares, uint32_t count)
{
	const struct ndr_layout *l = srvsvc_share_level(level, false);

	ndr_put_u32(w, level);
	ndr_put_u32(w, level);
	ndr_put_pointer(w, true);
	ndr_put_u32(w, count);
	ndr_put_pointer(w, shares != NULL);
	if (!shares)
		return;
	if (!l) {
		w->bad = true;
		return;
	}
	ndr_put_u32(w, count);
	for (uint32_t i = 0; i < count; i++)
		ndr_put_fixed(w, l, &shares[i]);
	for (uint32_t i = 0; i < count; i++)
		ndr_put_deferred(w, l, &shares[i]);
}

/* The array is allocated only after its fixed part is known to be there. */
static const struct srvsvc_share *get_shares(
	void *mem, struct rd *r, const struct ndr_layout *l, uint32_t count)
{
	struct srvsvc_share *shares;

	if (!l || ndr_get_u32(r) != count || count > rd_left(r) / ndr_fixed_size(l)) {
		r->bad = true;
		return NULL;
	}
	shares = talloc_zero_array(mem, struct srvsvc_share, count);
	if (!shares) {
		r->bad = true;
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		ndr_get_fixed(r, l, &shares[i]);
	for (uint32_t i = 0; i < count && !r->bad; i++)
		ndr_get_deferred(shares, r, l, &shares[i]);
	return shares;
}

static const struct srvsvc_share *get_share_list(void *mem, struct rd *r, uint32_t *level, uint32_t *count)
{
	*level = ndr_get_u32(r);
	*count = 0;
	if (ndr_get_u32(r) != *level)
		r->bad = true;
	if (!ndr_get_pointer(r))
		return NULL;
	*count = ndr_get_u32(r);
	return ndr_get_pointer(r) ? get_shares(mem, r, srvsvc_share_level(*level, false), *count) : NULL;
}

static void put_resume(struct wr *w, bool has_resume, uint32_t resume)
{
	ndr_put_pointer(w, has_resume);
	if (has_resume)
		ndr_put_u32(w, resume);
}

static void get_resume(struct rd *r, bool *has_resume, uint32_t *resume)
{
	*has_resume = ndr_get_pointer(r);
	*resume = *has_resume ? ndr_get_u32(r) : 0;
}

/* InfoStruct is [in, out]: what a client puts into its list is well-formed, and ignored. */
bool srvsvc_share_enum_req_decode(void *mem, struct bytes stub, struct srvsvc_share_enum_req *out)
{
	struct rd r = rd_over(stub);
	uint32_t count;

	out->server_name = ndr_get_unique_string(mem, &r);
	(void)get_share_list(mem, &r, &out->level, &count);
	out->preferred_length = ndr_get_u32(&r);
	get_resume(&r, &out->has_resume, &out->resume);
	return !r.bad;
}

void srvsvc_share_enum_req_encode(struct wr *w, const struct srvsvc_share_enum_req *in)
{
	ndr_put_unique_string(w, in->server_name);
	put_share_list(w, in->level, NULL, 0);
	ndr_put_u32(w, in->preferred_length);
	put_resume(w, in->has_resume, in->resume);
}

bool srvsvc_share_enum_rsp_decode(void *mem, struct bytes stub, struct srvsvc_share_enum_rsp *out)
{
	struct rd r = rd_over(stub);

	out->shares = get_share_list(mem, &r, &out->level, &out->count);
	if (!out->shares && out->count != 0)
		r.bad = true;
	out->total = ndr_get_u32(&r);
	get_resume(&r, &out->has_resume, &out->resume);
	out->werror = ndr_get_u32(&r);
	return !r.bad;
}

void srvsvc_share_enum_rsp_encode(struct wr *w, const struct srvsvc_share_enum_rsp *in)
{
	put_share_list(w, in->level, in->shares, in->count);
	ndr_put_u32(w, in->total);
	put_resume(w, in->has_resume, in->resume);
	ndr_put_u32(w, in->werror);
}

/* NetName is a reference pointer: the string stands where the pointer would. */
bool srvsvc_share_get_info_req_decode(void *mem, struct bytes stub, struct srvsvc_share_get_info_req *out)
{
	struct rd r = rd_over(stub);

	out->server_name = ndr_get_unique_string(mem, &r);
	out->share_name = ndr_get_string(mem, &r);
	out->level = ndr_get_u32(&r);
	return !r.bad;
}

void srvsvc_share_get_info_req_encode(struct wr *w, const struct srvsvc_share_get_info_req *in)
{
	ndr_put_unique_string(w, in->server_name);
	ndr_put_string(w, in->share_name);
	ndr_put_u32(w, in->level);
}

/* The discriminant is not known beforehand to a reader that has not seen the request: it is peeked at. */
static uint32_t peek_level(const struct rd *r)
{
	struct rd copy = *r;

	return ndr_get_u32(&copy);
}

bool srvsvc_share_get_info_rsp_decode(void *mem, struct bytes stub, struct srvsvc_share_get_info_rsp *out)
{
	struct rd r = rd_over(stub);

	out->level = peek_level(&r);
	out->present =
		ndr_get_level_union(mem, &r, out->level, srvsvc_share_level(out->level, true), &out->share);
	out->werror = ndr_get_u32(&r);
	return !r.bad;
}

void srvsvc_share_get_info_rsp_encode(struct wr *w, const struct srvsvc_share_get_info_rsp *in)
{
	ndr_put_level_union(
		w, in->level, srvsvc_share_level(in->level, true), in->present ? &in->share : NULL);
	ndr_put_u32(w, in->werror);
}

bool srvsvc_server_get_info_req_decode(void *mem, struct bytes stub, struct srvsvc_server_get_info_req *out)
{
	struct rd r = rd_over(stub);

	out->server_name = ndr_get_unique_string(mem, &r);
	out->level = ndr_get_u32(&r);
	return !r.bad;
}

void srvsvc_server_get_info_req_encode(struct wr *w, const struct srvsvc_server_get_info_req *in)
{
	ndr_put_unique_string(w, in->server_name);
	ndr_put_u32(w, in->level);
}

bool srvsvc_server_get_info_rsp_decode(void *mem, struct bytes stub, struct srvsvc_server_get_info_rsp *out)
{
	struct rd r = rd_over(stub);

	out->level = peek_level(&r);
	out->present =
		ndr_get_level_union(mem, &r, out->level, srvsvc_server_level(out->level), &out->server);
	out->werror = ndr_get_u32(&r);
	return !r.bad;
}

void srvsvc_server_get_info_rsp_encode(struct wr *w, const struct srvsvc_server_get_info_rsp *in)
{
	ndr_put_level_union(w, in->level, srvsvc_server_level(in->level), in->present ? &in->server : NULL);
	ndr_put_u32(w, in->werror);
}

bool srvsvc_remote_tod_req_decode(void *mem, struct bytes stub, struct srvsvc_remote_tod_req *out)
{
	struct rd r = rd_over(stub);

	out->server_name = ndr_get_unique_string(mem, &r);
	return !r.bad;
}

void srvsvc_remote_tod_req_encode(struct wr *w, const struct srvsvc_remote_tod_req *in)
{
	ndr_put_unique_string(w, in->server_name);
}

bool srvsvc_remote_tod_rsp_decode(void *mem, struct bytes stub, struct srvsvc_remote_tod_rsp *out)
{
	struct rd r = rd_over(stub);

	out->present = ndr_get_pointer(&r);
	if (out->present)
		ndr_get_fixed(&r, &time_of_day, &out->time);
	out->werror = ndr_get_u32(&r);
	return !r.bad;
}

void srvsvc_remote_tod_rsp_encode(struct wr *w, const struct srvsvc_remote_tod_rsp *in)
{
	ndr_put_pointer(w, in->present);
	if (in->present)
		ndr_put_fixed(w, &time_of_day, &in->time);
	ndr_put_u32(w, in->werror);
}
