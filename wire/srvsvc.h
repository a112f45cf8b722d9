/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_SRVSVC_H
#define WIRE_SRVSVC_H

#include "wire/dcerpc.h"
#include "wire/ndr.h"

/*
 * The Server service, [MS-SRVS] 3.1.4: stubs of the operations that clients browse with. For each X:
 *
 *   bool X_decode(void *mem, struct bytes stub, X *out)   strings are allocated under mem
 *   void X_encode(struct wr *w, const X *in)              w->base is the start of the stub
 *
 * Strings are UTF-8, NULL for a null pointer.
 */

extern const struct dcerpc_syntax srvsvc_interface; /* 4b324fc8-1670-01d3-1278-5a47bf6ee188 v3.0 */

enum {
	SRVSVC_NET_SHARE_ENUM = 15, SRVSVC_NET_SHARE_GET_INFO = 16, SRVSVC_NET_SERVER_GET_INFO = 21,
	SRVSVC_NET_REMOTE_TOD = 28, SRVSVC_NET_SHARE_ENUM_STICKY = 36,
};

enum { STYPE_DISKTREE = 0, STYPE_PRINTQ = 1, STYPE_IPC = 3 };
#define STYPE_SPECIAL 0x80000000u

/* The facts of all SHARE_INFO levels, [MS-SRVS] 2.2.4. */
struct srvsvc_share {
	const char *name;
	uint32_t type;
	const char *comment;
	uint32_t permissions;
	uint32_t max_uses; /* ~0: no limit */
	uint32_t current_uses;
	const char *path;
	const char *password;
	uint32_t flags; /* client-side caching and other SHI1005_FLAGS */
	struct bytes security_descriptor;
};

/* The row of a SHARE_INFO level: 0, 1, 2, 501, 502; with single also 1005. NULL if there is none. */
const struct ndr_layout *srvsvc_share_level(uint32_t level, bool single);

/* NetrShareEnum and NetrShareEnumSticky. */
struct srvsvc_share_enum_req {
	const char *server_name;
	uint32_t level;
	uint32_t preferred_length; /* ~0: no limit */
	bool has_resume;
	uint32_t resume;
};
struct srvsvc_share_enum_rsp {
	uint32_t level;
	const struct srvsvc_share *shares; /* NULL: a null pointer; decode: allocated under mem */
	uint32_t count;
	uint32_t total;
	bool has_resume;
	uint32_t resume;
	uint32_t werror;
};

struct srvsvc_share_get_info_req {
	const char *server_name;
	const char *share_name;
	uint32_t level;
};
struct srvsvc_share_get_info_rsp {
	uint32_t level;
	bool present;
	struct srvsvc_share share;
	uint32_t werror;
};

enum {
	SV_TYPE_WORKSTATION = 0x00000001, SV_TYPE_SERVER = 0x00000002, SV_TYPE_XENIX_SERVER = 0x00000800,
	SV_TYPE_NT = 0x00001000, SV_TYPE_SERVER_NT = 0x00008000,
};
enum { PLATFORM_ID_NT = 500 };

/* The facts of SERVER_INFO_100, 101 and 102, [MS-SRVS] 2.2.4.40 to 2.2.4.42. */
struct srvsvc_server {
	uint32_t platform_id;
	const char *name;
	uint32_t version_major, version_minor;
	uint32_t type;
	const char *comment;
	uint32_t users, disconnect, hidden, announce, announce_delta, licenses;
	const char *user_path;
};
struct srvsvc_server_get_info_req {
	const char *server_name;
	uint32_t level;
};
struct srvsvc_server_get_info_rsp {
	uint32_t level;
	bool present;
	struct srvsvc_server server;
	uint32_t werror;
};
const struct ndr_layout *srvsvc_server_level(uint32_t level);

/* TIME_OF_DAY_INFO, [MS-SRVS] 2.2.4.105. */
struct srvsvc_time_of_day {
	uint32_t elapsed;      /* seconds since 1970, UTC */
	uint32_t milliseconds; /* since the server started */
	uint32_t hours, minutes, seconds, hundredths;
	uint32_t timezone; /* minutes west of Greenwich, signed */
	uint32_t tick;     /* clock interval in 100 us */
	uint32_t day, month, year, weekday; /* month from 1, weekday from Sunday 0 */
};
struct srvsvc_remote_tod_req {
	const char *server_name;
};
struct srvsvc_remote_tod_rsp {
	bool present;
	struct srvsvc_time_of_day time;
	uint32_t werror;
};

#define SRVSVC_CODEC(X)                                                                                       \
	bool X##_decode(void *mem, struct bytes stub, struct X *out);                                         \
	void X##_encode(struct wr *w, const struct X *in)
SRVSVC_CODEC(srvsvc_share_enum_req);
SRVSVC_CODEC(srvsvc_share_enum_rsp);
SRVSVC_CODEC(srvsvc_share_get_info_req);
SRVSVC_CODEC(srvsvc_share_get_info_rsp);
SRVSVC_CODEC(srvsvc_server_get_info_req);
SRVSVC_CODEC(srvsvc_server_get_info_rsp);
SRVSVC_CODEC(srvsvc_remote_tod_req);
SRVSVC_CODEC(srvsvc_remote_tod_rsp);
#undef SRVSVC_CODEC

#endif
