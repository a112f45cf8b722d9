/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_CREATE_CONTEXT_H
#define WIRE_CREATE_CONTEXT_H

#include "wire/pmem.h"
#include "wire/smb2.h"

/* Create contexts, [MS-SMB2] 2.2.13.2 and 2.2.14.2. */

enum { SMB2_LEASE_READ = 1, SMB2_LEASE_HANDLE = 2, SMB2_LEASE_WRITE = 4 };
enum { SMB2_LEASE_FLAG_BREAK_IN_PROGRESS = 2, SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET = 4 };

struct smb2_lease {
	uint8_t version; /* 1 or 2 */
	uint8_t key[16];
	uint32_t state;
	uint32_t flags;
	uint64_t duration;
	uint8_t parent_key[16]; /* version 2 */
	uint16_t epoch;         /* version 2 */
};

struct smb2_durable_v2 {
	uint32_t timeout; /* milliseconds */
	uint32_t flags;   /* 0x2: persistent */
	uint8_t create_guid[16];
};

struct smb2_durable_v2_reconnect {
	struct smb2_file_id file_id;
	uint8_t create_guid[16];
	uint32_t flags;
};

/* What a request can carry; views borrow. Unknown contexts are skipped; a malformed or doubled one fails. */
struct smb2_create_contexts_req {
	bool has_mxac, has_mxac_time, has_qfid, has_alsi, has_twrp, has_lease, has_dhnq, has_dhnc, has_dh2q, has_dh2c,
		has_extended_attributes, has_security_descriptor, has_app_instance, has_pmem;
	uint64_t mxac_time;
	uint64_t allocation_size; /* AlSi */
	uint64_t timewarp;        /* TWrp */
	struct smb2_lease lease;
	struct smb2_file_id dhnc_file_id;
	struct smb2_durable_v2 dh2q;
	struct smb2_durable_v2_reconnect dh2c;
	struct bytes extended_attributes; /* ExtA: FILE_FULL_EA_INFORMATION list */
	struct bytes security_descriptor; /* SecD */
	uint8_t app_instance_id[16];
	struct pmem_offer_req pmem; /* docs/protocol-pmem.md */
};

struct smb2_create_contexts_rsp {
	bool has_mxac, has_qfid, has_lease, has_dhnq, has_dh2q, has_pmem;
	ntstatus_t mxac_status;
	uint32_t maximal_access;
	uint64_t qfid_file_id, qfid_volume_id;
	struct smb2_lease lease;
	struct smb2_durable_v2 dh2q; /* timeout and flags */
	struct pmem_offer_rsp pmem;
};

bool smb2_create_contexts_req_decode(struct bytes contexts, struct smb2_create_contexts_req *out);
void smb2_create_contexts_req_encode(struct wr *w, const struct smb2_create_contexts_req *in);
bool smb2_create_contexts_rsp_decode(struct bytes contexts, struct smb2_create_contexts_rsp *out);
/* Nothing is written when none is present. w->base need not be the SMB2 header: offsets are relative to contexts. */
void smb2_create_contexts_rsp_encode(struct wr *w, const struct smb2_create_contexts_rsp *in);

#endif
