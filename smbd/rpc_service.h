/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_RPC_SERVICE_H
#define SMBD_RPC_SERVICE_H

#include "smbd/rpc.h"
#include "wire/dcerpc.h"

/* An RPC interface as a table of operations. For smbd/rpc*.c only. */

enum { /* [MS-ERREF] 2.2; NERR_NetNameNotFound: [MS-SRVS] 2.2.2.8 */
	WERR_SUCCESS = 0, WERR_ACCESS_DENIED = 5, WERR_INVALID_LEVEL = 124, WERR_MORE_DATA = 234,
	NERR_NET_NAME_NOT_FOUND = 2310,
};

/* The version of Windows that the services claim: old enough that nobody expects of it what is not here. */
enum { RPC_VERSION_MAJOR = 6, RPC_VERSION_MINOR = 1 };

struct rpc_call {
	TALLOC_CTX *mem; /* ends with the call */
	const struct rpc_env *env;
	struct bytes in; /* the request's stub */
	struct wr out;   /* the response's stub */
};

/*
 * Decodes the request and encodes the response. 0 or a DCERPC_FAULT_*. May be called again, with more room,
 * when out went bad: it changes nothing but out.
 */
typedef uint32_t (*rpc_op)(struct rpc_call *call);

struct rpc_service {
	const char *pipe;
	const char *secondary_address;
	const struct dcerpc_syntax *interface;
	const rpc_op *ops; /* by operation number; NULL: not implemented */
	size_t op_count;
};

extern const struct rpc_service rpc_srvsvc, rpc_wkssvc;

#endif
