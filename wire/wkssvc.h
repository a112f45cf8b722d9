/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_WKSSVC_H
#define WIRE_WKSSVC_H

#include "wire/dcerpc.h"
#include "wire/ndr.h"

/* The Workstation service, [MS-WKST] 3.2.4: what clients ask before they browse. As wire/srvsvc.h. */

extern const struct dcerpc_syntax wkssvc_interface; /* 6bffd098-a112-3610-9833-46c3f87e345a v1.0 */

enum { WKSSVC_NET_WKSTA_GET_INFO = 0 };

/* The facts of WKSTA_INFO_100, 101 and 102, [MS-WKST] 2.2.5.1 to 2.2.5.3. */
struct wkssvc_wksta {
	uint32_t platform_id;
	const char *computer_name;
	const char *domain; /* the workgroup */
	uint32_t version_major, version_minor;
	const char *lan_root;
	uint32_t logged_on_users;
};
struct wkssvc_wksta_get_info_req {
	const char *server_name;
	uint32_t level;
};
struct wkssvc_wksta_get_info_rsp {
	uint32_t level;
	bool present;
	struct wkssvc_wksta wksta;
	uint32_t werror;
};
const struct ndr_layout *wkssvc_wksta_level(uint32_t level);

bool wkssvc_wksta_get_info_req_decode(void *mem, struct bytes stub, struct wkssvc_wksta_get_info_req *out);
void wkssvc_wksta_get_info_req_encode(struct wr *w, const struct wkssvc_wksta_get_info_req *in);
bool wkssvc_wksta_get_info_rsp_decode(void *mem, struct bytes stub, struct wkssvc_wksta_get_info_rsp *out);
void wkssvc_wksta_get_info_rsp_encode(struct wr *w, const struct wkssvc_wksta_get_info_rsp *in);

#endif
