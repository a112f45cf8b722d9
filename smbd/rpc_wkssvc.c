/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/rpc_service.h"

#include "wire/srvsvc.h"
#include "wire/wkssvc.h"

/* The Workstation service, [MS-WKST] 3.2.4.1. */

static uint32_t wksta_get_info(struct rpc_call *call)
{
	struct wkssvc_wksta_get_info_req req;
	struct wkssvc_wksta_get_info_rsp rsp = {.werror = WERR_SUCCESS};

	if (!wkssvc_wksta_get_info_req_decode(call->mem, call->in, &req))
		return DCERPC_FAULT_BAD_STUB_DATA;
	rsp.level = req.level;
	if (!wkssvc_wksta_level(req.level))
		rsp.werror = WERR_INVALID_LEVEL;
	else if (req.level == 102 && !call->env->user_is_admin)
		rsp.werror = WERR_ACCESS_DENIED;
	else
		rsp.present = true;
	rsp.wksta = (struct wkssvc_wksta){
		.platform_id = PLATFORM_ID_NT,
		.computer_name = call->env->server_name,
		.domain = call->env->workgroup,
		.version_major = RPC_VERSION_MAJOR,
		.version_minor = RPC_VERSION_MINOR,
		.lan_root = "",
		.logged_on_users = call->env->user_count,
	};
	wkssvc_wksta_get_info_rsp_encode(&call->out, &rsp);
	return 0;
}

static const rpc_op ops[] = {[WKSSVC_NET_WKSTA_GET_INFO] = wksta_get_info};

const struct rpc_service rpc_wkssvc = {"wkssvc", "\\PIPE\\wkssvc", &wkssvc_interface, ops, ARRAY_SIZE(ops)};
