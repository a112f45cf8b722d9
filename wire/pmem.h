/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_PMEM_H
#define WIRE_PMEM_H

#include "wire/cursor.h"
#include "wire/smbdirect.h"

/*
 * The extension for direct access to persistent memory, version 1 (docs/protocol-pmem.md): a create context that tells what a file
 * offers, and three FSCTLs. Integers are little-endian. Decoders: false if malformed; reserved fields are not looked at, and
 * bytes behind what is known are ignored, so that a later version may add some.
 */

enum { PMEM_VERSION = 1 };

/* The name of the create context: GUID 7c54b6a1-93de-4d07-8f0b-2e6a51d9c34e as [MS-DTYP] 2.3.4.2 lays it out. */
#define PMEM_CONTEXT_NAME "\xa1\xb6\x54\x7c\xde\x93\x07\x4d\x8f\x0b\x2e\x6a\x51\xd9\xc3\x4e"
enum { PMEM_CONTEXT_NAME_SIZE = 16 };

/* CTL_CODE(FILE_DEVICE_NETWORK_FILE_SYSTEM, 0x800 + n, METHOD_BUFFERED, FILE_ANY_ACCESS) */
enum {
	FSCTL_PMEM_MAP = 0x00142004,
	FSCTL_PMEM_COMMIT = 0x00142008,
	FSCTL_PMEM_UNMAP = 0x0014200C,
};

enum { PMEM_ACCESS_READ = 1, PMEM_ACCESS_WRITE = 2 }; /* WRITE includes READ */
enum { PMEM_VISIBLE = 1, PMEM_FLUSHED = 2, PMEM_PERSISTENT = 3 }; /* durability */
enum { PMEM_GUARD_FANOTIFY = 1, PMEM_GUARD_LEASE = 2, PMEM_GUARD_EXCLUSIVE = 3 };
enum { /* ways to commit */
	PMEM_COMMIT_READ_AFTER_WRITE = 1, /* an RDMA Read of any byte of the grant, after the Writes */
	PMEM_COMMIT_FSCTL = 2,
	PMEM_COMMIT_RDMA_FLUSH = 4,
};

/* Data of the create context. */
enum { PMEM_OFFER_REQ_SIZE = 8, PMEM_OFFER_RSP_SIZE = 48 };
struct pmem_offer_req {
	uint16_t version;
	uint32_t access; /* wanted: PMEM_ACCESS_* */
};
struct pmem_offer_rsp {
	uint16_t version;
	uint8_t durability, guard;
	uint32_t status;         /* STATUS_SUCCESS, or why a MAP on this open would be refused */
	uint32_t access;         /* that a MAP could get now */
	uint32_t commit_methods;
	uint32_t granularity;    /* offsets and lengths are best multiples of it; they need not be */
	uint32_t revoke_timeout; /* milliseconds from the lease break to the fence, at most */
	uint32_t max_grants;     /* of the session, at a time */
	uint64_t max_length;     /* of one grant */
};

/* MAP. Output: the fixed part, then descriptor_count descriptors that follow each other in the range. */
enum { PMEM_MAP_REQ_SIZE = 24, PMEM_MAP_RSP_FIXED_SIZE = 48 };
struct pmem_map_req {
	uint16_t version;
	uint32_t access;
	uint64_t offset, length;
};
struct pmem_map_rsp {
	uint16_t version;
	uint8_t durability, guard;
	uint32_t commit_methods;
	uint64_t grant_id;
	uint64_t offset, length; /* as asked for */
	uint32_t access;
	uint32_t revoke_timeout; /* milliseconds */
	uint16_t descriptor_count;
	struct smbdirect_descriptor descriptors[SMBDIRECT_MAX_DESCRIPTORS];
};

/* COMMIT: what was written to these ranges of the file is as safe as the grant's level says. No range: all of the grant. */
enum { PMEM_COMMIT_REQ_FIXED_SIZE = 16, PMEM_RANGE_SIZE = 16, PMEM_MAX_RANGES = 256, PMEM_COMMIT_RSP_SIZE = 8 };
struct pmem_range {
	uint64_t offset, length; /* in the file */
};
struct pmem_commit_req {
	uint16_t version;
	uint16_t range_count;
	uint64_t grant_id;
	struct pmem_range ranges[PMEM_MAX_RANGES];
};
struct pmem_commit_rsp {
	uint16_t version;
	uint8_t durability;
};

/* UNMAP: no output. */
enum { PMEM_UNMAP_REQ_SIZE = 16 };
struct pmem_unmap_req {
	uint16_t version;
	uint64_t grant_id;
};

#define PMEM_CODEC(X)                                                                                                  \
	bool X##_decode(struct bytes in, struct X *out);                                                               \
	void X##_encode(struct wr *w, const struct X *in)
PMEM_CODEC(pmem_offer_req);
PMEM_CODEC(pmem_offer_rsp);
PMEM_CODEC(pmem_map_req);
PMEM_CODEC(pmem_map_rsp);
PMEM_CODEC(pmem_commit_req);
PMEM_CODEC(pmem_commit_rsp);
PMEM_CODEC(pmem_unmap_req);
#undef PMEM_CODEC

#endif
