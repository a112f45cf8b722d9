/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/rpc_service.h"

#include "core/clock.h"
#include "wire/srvsvc.h"
#include "wire/utf16.h"

/* The Server service, [MS-SRVS] 3.1.4: read-only operations over the shares that the environment shows. */

enum { NO_LIMIT = -1 };

/* A string that cannot be sent stands empty: one bad comment does not spoil the list. */
static const char *sendable(const char *s)
{
	return s && utf16_length(s) != SIZE_MAX ? s : "";
}

/* The path as a Windows administrator reads it: below a drive, with backslashes. */
static const char *drive_path(TALLOC_CTX *mem, const char *path)
{
	char *out = talloc_asprintf(mem, "C:%s", sendable(path));

	for (char *c = out; c && *c; c++)
		if (*c == '/')
			*c = '\\';
	return out ? out : "";
}

static struct srvsvc_share present_share(TALLOC_CTX *mem, const struct rpc_share *s)
{
	return (struct srvsvc_share){
		.name = talloc_strdup(mem, sendable(s->name)),
		.type = s->type,
		.comment = talloc_strdup(mem, sendable(s->comment)),
		.max_uses = s->max_users ? s->max_users : (uint32_t)NO_LIMIT,
		.current_uses = s->current_users,
		.path = drive_path(mem, s->path),
		.password = "",
		.flags = s->caching,
	};
}

/* Which levels are served to whom, [MS-SRVS] 3.1.4.8 to 3.1.4.10: those that show paths to administrators. */
enum share_op { ENUM, ENUM_STICKY, GET_INFO, SHARE_OPS };
enum level_rule { NOT_SERVED, EVERYBODY, ADMINISTRATORS };

static const struct {
	uint32_t level;
	uint8_t rules[SHARE_OPS];
} share_level_rules[] = {
	{0, {EVERYBODY, EVERYBODY, EVERYBODY}},
	{1, {EVERYBODY, EVERYBODY, EVERYBODY}},
	{2, {ADMINISTRATORS, ADMINISTRATORS, ADMINISTRATORS}},
	{501, {ADMINISTRATORS, NOT_SERVED, EVERYBODY}},
	{502, {ADMINISTRATORS, ADMINISTRATORS, ADMINISTRATORS}},
	{1005, {NOT_SERVED, NOT_SERVED, EVERYBODY}},
};

static uint32_t check_share_level(const struct rpc_call *call, uint32_t level, enum share_op op)
{
	uint8_t rule = NOT_SERVED;

	for (size_t i = 0; i < ARRAY_SIZE(share_level_rules); i++)
		if (share_level_rules[i].level == level)
			rule = share_level_rules[i].rules[op];
	if (rule == NOT_SERVED)
		return WERR_INVALID_LEVEL;
	return rule == ADMINISTRATORS && !call->env->user_is_admin ? WERR_ACCESS_DENIED : WERR_SUCCESS;
}

/* What an entry costs of PreferedMaximumLength: its fixed part and its strings. */
static size_t share_cost(const struct ndr_layout *l, const struct srvsvc_share *s)
{
	size_t n = ndr_fixed_size(l) + utf16_length(s->name) + 2;

	if (l->count > 1)
		n += utf16_length(s->comment) + 2;
	if (l->count > 4)
		n += utf16_length(s->path) + 4;
	return n;
}

struct share_list {
	struct srvsvc_share *shares;
	uint32_t count; /* that are returned */
	uint32_t total; /* from the resume position on */
	bool more;
};

static bool append_share(TALLOC_CTX *mem, struct share_list *list, const struct srvsvc_share *s)
{
	if (list->count == talloc_array_length(list->shares)) {
		list->shares = talloc_realloc(
			mem, list->shares, struct srvsvc_share, list->count ? 2 * list->count : 16);
		if (!list->shares)
			return false;
	}
	list->shares[list->count++] = *s;
	return true;
}

/* Shares from the resume position on: one, then as many as PreferedMaximumLength holds. False: no memory. */
static bool collect_shares(
	struct rpc_call *call, const struct srvsvc_share_enum_req *req, struct share_list *list)
{
	const struct ndr_layout *l = srvsvc_share_level(req->level, false);
	uint32_t skip = req->has_resume ? req->resume : 0;
	size_t used = 0;
	struct rpc_share s;

	for (size_t i = 0; call->env->share_at(call->env->arg, i, &s); i++) {
		struct srvsvc_share shown;

		if (s.hidden)
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		list->total++;
		if (list->more)
			continue;
		shown = present_share(call->mem, &s);
		if (!shown.name || !shown.comment)
			return false;
		used += share_cost(l, &shown);
		if (list->count > 0 && used > req->preferred_length) {
			list->more = true;
			continue;
		}
		if (!append_share(call->mem, list, &shown))
			return false;
	}
	return true;
}

static uint32_t enumerate(struct rpc_call *call, enum share_op op)
{
	struct srvsvc_share_enum_req req;
	struct srvsvc_share_enum_rsp rsp = {0};
	struct share_list list = {0};

	if (!srvsvc_share_enum_req_decode(call->mem, call->in, &req))
		return DCERPC_FAULT_BAD_STUB_DATA;
	rsp.level = req.level;
	rsp.has_resume = req.has_resume;
	rsp.werror = check_share_level(call, req.level, op);
	if (rsp.werror == WERR_SUCCESS && !collect_shares(call, &req, &list))
		return DCERPC_FAULT_REMOTE_NO_MEMORY;
	rsp.shares = list.shares;
	rsp.count = list.count;
	rsp.total = list.total;
	/* [MS-SRVS] 3.1.4.8: the handle continues where this call stopped, and is 0 at the end */
	if (list.more) {
		rsp.resume = (req.has_resume ? req.resume : 0) + list.count;
		rsp.werror = WERR_MORE_DATA;
	}
	srvsvc_share_enum_rsp_encode(&call->out, &rsp);
	return 0;
}

static uint32_t share_enum(struct rpc_call *call)
{
	return enumerate(call, ENUM);
}

static uint32_t share_enum_sticky(struct rpc_call *call)
{
	return enumerate(call, ENUM_STICKY);
}

static bool find_share(const struct rpc_env *env, const char *name, struct rpc_share *s)
{
	for (size_t i = 0; env->share_at(env->arg, i, s); i++)
		if (s->name && name_casecmp(s->name, name) == 0)
			return true;
	return false;
}

static uint32_t share_get_info(struct rpc_call *call)
{
	struct srvsvc_share_get_info_req req;
	struct srvsvc_share_get_info_rsp rsp = {0};
	struct rpc_share s;

	if (!srvsvc_share_get_info_req_decode(call->mem, call->in, &req))
		return DCERPC_FAULT_BAD_STUB_DATA;
	rsp.level = req.level;
	rsp.werror = check_share_level(call, req.level, GET_INFO);
	if (rsp.werror == WERR_SUCCESS && !find_share(call->env, req.share_name, &s))
		rsp.werror = NERR_NET_NAME_NOT_FOUND;
	if (rsp.werror == WERR_SUCCESS) {
		rsp.share = present_share(call->mem, &s);
		if (!rsp.share.name || !rsp.share.comment)
			return DCERPC_FAULT_REMOTE_NO_MEMORY;
		rsp.present = true;
	}
	srvsvc_share_get_info_rsp_encode(&call->out, &rsp);
	return 0;
}

static uint32_t server_get_info(struct rpc_call *call)
{
	struct srvsvc_server_get_info_req req;
	struct srvsvc_server_get_info_rsp rsp = {.werror = WERR_SUCCESS};

	if (!srvsvc_server_get_info_req_decode(call->mem, call->in, &req))
		return DCERPC_FAULT_BAD_STUB_DATA;
	rsp.level = req.level;
	/* [MS-SRVS] 3.1.4.17: 102 tells who is there and is for administrators */
	if (!srvsvc_server_level(req.level))
		rsp.werror = WERR_INVALID_LEVEL;
	else if (req.level == 102 && !call->env->user_is_admin)
		rsp.werror = WERR_ACCESS_DENIED;
	else
		rsp.present = true;
	rsp.server = (struct srvsvc_server){
		.platform_id = PLATFORM_ID_NT,
		.name = sendable(call->env->server_name),
		.version_major = RPC_VERSION_MAJOR,
		.version_minor = RPC_VERSION_MINOR,
		.type = SV_TYPE_WORKSTATION | SV_TYPE_SERVER | SV_TYPE_XENIX_SERVER | SV_TYPE_NT |
			SV_TYPE_SERVER_NT,
		.comment = sendable(call->env->server_comment),
		.users = (uint32_t)NO_LIMIT,
		.disconnect = 15,
		.announce = 240,
		.announce_delta = 3000,
		.user_path = "C:\\",
	};
	srvsvc_server_get_info_rsp_encode(&call->out, &rsp);
	return 0;
}

static uint32_t remote_tod(struct rpc_call *call)
{
	struct srvsvc_remote_tod_req req;
	struct srvsvc_remote_tod_rsp rsp = {.present = true, .werror = WERR_SUCCESS};
	struct timespec now;
	struct tm utc, local;

	if (!srvsvc_remote_tod_req_decode(call->mem, call->in, &req))
		return DCERPC_FAULT_BAD_STUB_DATA;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!gmtime_r(&now.tv_sec, &utc) || !localtime_r(&now.tv_sec, &local))
		return DCERPC_FAULT_REMOTE_NO_MEMORY;
	rsp.time = (struct srvsvc_time_of_day){
		.elapsed = (uint32_t)now.tv_sec,
		.milliseconds = (uint32_t)(clock_now_ns() / 1000000),
		.hours = (uint32_t)utc.tm_hour,
		.minutes = (uint32_t)utc.tm_min,
		.seconds = (uint32_t)utc.tm_sec,
		.hundredths = (uint32_t)(now.tv_nsec / 10000000),
		.timezone = (uint32_t)(-local.tm_gmtoff / 60),
		.tick = 310,
		.day = (uint32_t)utc.tm_mday,
		.month = (uint32_t)utc.tm_mon + 1,
		.year = (uint32_t)utc.tm_year + 1900,
		.weekday = (uint32_t)utc.tm_wday,
	};
	srvsvc_remote_tod_rsp_encode(&call->out, &rsp);
	return 0;
}

static const rpc_op ops[] = {
	[SRVSVC_NET_SHARE_ENUM] = share_enum,
	[SRVSVC_NET_SHARE_GET_INFO] = share_get_info,
	[SRVSVC_NET_SERVER_GET_INFO] = server_get_info,
	[SRVSVC_NET_REMOTE_TOD] = remote_tod,
	[SRVSVC_NET_SHARE_ENUM_STICKY] = share_enum_sticky,
};

const struct rpc_service rpc_srvsvc = {"srvsvc", "\\PIPE\\srvsvc", &srvsvc_interface, ops, ARRAY_SIZE(ops)};
