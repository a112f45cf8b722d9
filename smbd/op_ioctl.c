/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/fsctl.h"
#include "wire/pmem.h"

/* IOCTL, [MS-SMB2] 3.3.5.15: one row per FSCTL. */

enum {
	NEEDS_NO_OPEN = 1, /* FileId all ones */
	NEEDS_FILE = 2,
	NEEDS_PIPE = 4,
	NEEDS_OPEN = NEEDS_FILE | NEEDS_PIPE,
};

static const struct {
	uint32_t code;
	unsigned needs;
	void (*handle)(struct req *, const struct smb2_ioctl_req *);
	ntstatus_t fixed; /* the answer, where there is no handler */
} fsctls[] = {
	{FSCTL_VALIDATE_NEGOTIATE_INFO, NEEDS_NO_OPEN, fsctl_validate_negotiate, 0},
	{FSCTL_QUERY_NETWORK_INTERFACE_INFO, NEEDS_NO_OPEN, fsctl_network_interfaces, 0},
	{FSCTL_DFS_GET_REFERRALS, NEEDS_NO_OPEN, NULL, STATUS_FS_DRIVER_REQUIRED},
	{FSCTL_DFS_GET_REFERRALS_EX, NEEDS_NO_OPEN, NULL, STATUS_FS_DRIVER_REQUIRED},
	{FSCTL_PIPE_WAIT, NEEDS_NO_OPEN, fsctl_pipe_wait, 0},
	{FSCTL_PIPE_TRANSCEIVE, NEEDS_PIPE, pipe_transceive, 0},
	{FSCTL_CREATE_OR_GET_OBJECT_ID, NEEDS_FILE, fsctl_object_id, 0},
	{FSCTL_SRV_ENUMERATE_SNAPSHOTS, NEEDS_FILE, fsctl_enumerate_snapshots, 0},
	{FSCTL_SET_SPARSE, NEEDS_FILE, fsctl_set_sparse, 0},
	{FSCTL_SET_ZERO_DATA, NEEDS_FILE, fsctl_set_zero_data, 0},
	{FSCTL_QUERY_ALLOCATED_RANGES, NEEDS_FILE, fsctl_query_allocated_ranges, 0},
	{FSCTL_SRV_REQUEST_RESUME_KEY, NEEDS_FILE, fsctl_resume_key, 0},
	{FSCTL_SRV_COPYCHUNK, NEEDS_FILE, fsctl_copychunk, 0},
	{FSCTL_SRV_COPYCHUNK_WRITE, NEEDS_FILE, fsctl_copychunk, 0},
	{FSCTL_PMEM_MAP, NEEDS_FILE, fsctl_pmem_map, 0},
	{FSCTL_PMEM_COMMIT, NEEDS_FILE, fsctl_pmem_commit, 0},
	{FSCTL_PMEM_UNMAP, NEEDS_FILE, fsctl_pmem_unmap, 0},
	{FSCTL_GET_REPARSE_POINT, NEEDS_FILE, NULL, STATUS_NOT_A_REPARSE_POINT},
};

void fsctl_reply(struct req *r, const struct smb2_ioctl_req *q, ntstatus_t status, struct bytes output)
{
	struct smb2_ioctl_rsp rsp = {.ctl_code = q->ctl_code, .file_id = q->file_id, .output = output};
	struct wr w = req_reply(r, 64 + output.len);

	smb2_ioctl_rsp_encode(&w, &rsp);
	req_done(r, status, &w);
}

/* The FileId, which in a related request may be the one before. */
static ntstatus_t find_open(struct req *r, struct smb2_ioctl_req *q, unsigned needs)
{
	bool none = q->file_id.persistent_id == UINT64_MAX && q->file_id.volatile_id == UINT64_MAX;

	if (needs & NEEDS_NO_OPEN)
		return none ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
	if (none && r->related) {
		if (status_is_error(r->chain_status))
			return r->chain_status;
		q->file_id = r->chain_file_id;
	}
	r->open = open_find(r->session, q->file_id);
	if (!r->open || r->open->tree != r->tree) {
		r->open = NULL;
		return STATUS_FILE_CLOSED;
	}
	r->file_id = q->file_id;
	r->chain_file_id = q->file_id;
	r->chain_has_file_id = true;
	if (!(needs & NEEDS_PIPE) && r->open->pipe)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(needs & NEEDS_FILE) && !r->open->pipe)
		return STATUS_INVALID_DEVICE_REQUEST;
	return STATUS_SUCCESS;
}

static ntstatus_t check(struct req *r, const struct smb2_ioctl_req *q)
{
	uint32_t max = conn_max_payload(r->conn, r->local->server->max_transact);

	if (q->flags != SMB2_IOCTL_IS_FSCTL)
		return STATUS_NOT_SUPPORTED;
	if (q->max_output_response > max || q->max_input_response > max || q->input.len > max)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

void op_ioctl(struct req *r, struct rd *body)
{
	struct smb2_ioctl_req q;
	size_t i = 0;

	if (!smb2_ioctl_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	ntstatus_t s = check(r, &q);
	while (i < ARRAY_SIZE(fsctls) && fsctls[i].code != q.ctl_code)
		i++;
	if (status_is_ok(s))
		s = find_open(r, &q, i < ARRAY_SIZE(fsctls) ? fsctls[i].needs : NEEDS_OPEN);
	if (status_is_ok(s) && i == ARRAY_SIZE(fsctls))
		s = STATUS_INVALID_DEVICE_REQUEST;
	if (status_is_ok(s) && !fsctls[i].handle)
		s = fsctls[i].fixed;
	if (!status_is_ok(s))
		req_error(r, s);
	else
		fsctls[i].handle(r, &q);
}
