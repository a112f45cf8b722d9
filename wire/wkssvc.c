/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/wkssvc.h"

const struct dcerpc_syntax wkssvc_interface = {
	{0x98, 0xD0, 0xFF, 0x6B, 0x12, 0xA1, 0x10, 0x36, 0x98, 0x33, 0x46, 0xC3, 0xF8, 0x7E, 0x34, 0x5A}, 1};

#define NUMBER(member) {NDR_U32, offsetof(struct wkssvc_wksta, member)}
#define STRING(member) {NDR_STRING, offsetof(struct wkssvc_wksta, member)}
#define WKSTA_ID                                                                                              \
	NUMBER(platform_id), STRING(computer_name), STRING(domain), NUMBER(version_major),                    \
		NUMBER(version_minor)

static const struct ndr_layout wksta_levels[] = {
	{100, 5, {WKSTA_ID}},
	{101, 6, {WKSTA_ID, STRING(lan_root)}},
	{102, 7, {WKSTA_ID, STRING(lan_root), NUMBER(logged_on_users)}},
};

const struct ndr_layout *wkssvc_wksta_level(uint32_t level)
{
	return ndr_find_level(wksta_levels, ARRAY_SIZE(wksta_levels), level);
}

bool wkssvc_wksta_get_info_req_decode(void *mem, struct bytes stub, struct wkssvc_wksta_get_info_req *out)
{
	struct rd r = rd_over(stub);

	out->server_name = ndr_get_unique_string(mem, &r);
	out->level = ndr_get_u32(&r);
	return !r.bad;
}

void wkssvc_wksta_get_info_req_encode(struct wr *w, const struct wkssvc_wksta_get_info_req *in)
{
	ndr_put_unique_string(w, in->server_name);
	ndr_put_u32(w, in->level);
}

bool wkssvc_wksta_get_info_rsp_decode(void *mem, struct bytes stub, struct wkssvc_wksta_get_info_rsp *out)
{
	struct rd r = rd_over(stub), ahead = r;

	out->level = ndr_get_u32(&ahead);
	out->present = ndr_get_level_union(mem, &r, out->level, wkssvc_wksta_level(out->level), &out->wksta);
	out->werror = ndr_get_u32(&r);
	return !r.bad;
}

void wkssvc_wksta_get_info_rsp_encode(struct wr *w, const struct wkssvc_wksta_get_info_rsp *in)
{
	ndr_put_level_union(w, in->level, wkssvc_wksta_level(in->level), in->present ? &in->wksta : NULL);
	ndr_put_u32(w, in->werror);
}
