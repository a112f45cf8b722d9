/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/fsctl.h"

#include "core/log.h"
#include "smbd/grant.h"

/* The FSCTLs of direct access, docs/protocol-pmem.md. Each way to be refused has a status of its own. */

static ntstatus_t check_range(const struct pmem_map_req *q, uint64_t most)
{
	if (q->length == 0)
		return STATUS_INVALID_BUFFER_SIZE;
	if (q->offset > INT64_MAX || q->length > INT64_MAX - q->offset)
		return STATUS_INVALID_VIEW_SIZE;
	return q->length > most ? STATUS_QUOTA_EXCEEDED : STATUS_SUCCESS;
}

static ntstatus_t check_map(struct req *r, const struct smb2_ioctl_req *ioctl, struct pmem_map_req *q)
{
	struct pmem_offer_rsp offer;

	if (!pmem_map_req_decode(ioctl->input, q))
		return STATUS_INVALID_PARAMETER;
	if (q->version != PMEM_VERSION)
		return STATUS_REVISION_MISMATCH;
	if (r->conn->ops != &conn_smbdirect)
		return STATUS_INVALID_CONNECTION;
	/* One-sided access bypasses encryption: who has asked for the one does not get the other. */
	if (r->sealed)
		return STATUS_ACCESS_DISABLED_BY_POLICY_DEFAULT;
	ntstatus_t s = grant_offer(r->open, q->access, &offer);
	if (status_is_ok(s))
		s = check_range(q, offer.max_length);
	if (status_is_ok(s) &&
		ioctl->max_output_response < PMEM_MAP_RSP_FIXED_SIZE + grant_tags(q->length) * SMBDIRECT_DESCRIPTOR_SIZE)
		s = STATUS_BUFFER_TOO_SMALL;
	return s;
}

void fsctl_pmem_map(struct req *r, const struct smb2_ioctl_req *ioctl)
{
	struct pmem_map_req q;
	ntstatus_t s = check_map(r, ioctl, &q);

	if (status_is_ok(s)) {
		grant_map(r, ioctl, &q);
		return;
	}
	log_info(audit, "grant refused (%s): user %s from %s, share %s, file %s", status_name(s),
		r->session->user ? r->session->user : "guest", r->conn->peer, r->tree->share_name,
		r->open->node ? node_path(r->open->node, r) : "");
	req_error(r, s);
}

/* ---- commit ---- */

struct commit_call {
	struct call call;
	struct smb2_ioctl_req ioctl;
	uint8_t durability;
	bool clean; /* when it came */
};

/* What was written has been given to the medium piece by piece as it came: what is left is what a FLUSH does. */
static int run_commit(struct call *call, unsigned flags)
{
	return container_of(call, struct commit_call, call)->clean ? 0 : vfs_flush(call->file, flags);
}

static void commit_done(struct req *r, struct call *call)
{
	struct commit_call *c = container_of(call, struct commit_call, call);
	uint8_t buf[PMEM_COMMIT_RSP_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	pmem_commit_rsp_encode(&w, &(struct pmem_commit_rsp){.version = PMEM_VERSION, .durability = c->durability});
	fsctl_reply(r, &c->ioctl, STATUS_SUCCESS, BYTES(buf, w.pos));
}

static ntstatus_t check_commit(struct req *r, const struct pmem_commit_req *q, const struct grant **out)
{
	const struct grant *g = grant_find(r->session, q->grant_id);

	if (q->version != PMEM_VERSION)
		return STATUS_REVISION_MISMATCH;
	if (!g || !grant_is_of(g, r->open) || !grant_is_live(g))
		return STATUS_NOT_FOUND;
	for (unsigned i = 0; i < q->range_count; i++)
		if (!grant_covers(g, q->ranges[i]))
			return STATUS_INVALID_VIEW_SIZE;
	*out = g;
	return grant_has_failed(g) ? STATUS_UNEXPECTED_IO_ERROR : STATUS_SUCCESS;
}

void fsctl_pmem_commit(struct req *r, const struct smb2_ioctl_req *ioctl)
{
	struct pmem_commit_req q;
	const struct grant *g;
	ntstatus_t s = pmem_commit_req_decode(ioctl->input, &q) ? check_commit(r, &q, &g) : STATUS_INVALID_PARAMETER;

	if (status_is_ok(s) && ioctl->max_output_response < PMEM_COMMIT_RSP_SIZE)
		s = STATUS_BUFFER_TOO_SMALL;
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	struct commit_call *c = req_new_call(r, struct commit_call, run_commit, commit_done);
	if (!c)
		return;
	c->ioctl = *ioctl;
	c->durability = grant_durability(g);
	c->clean = grant_is_clean(g);
	req_call(r, &c->call);
}

void fsctl_pmem_unmap(struct req *r, const struct smb2_ioctl_req *ioctl)
{
	struct pmem_unmap_req q;

	if (!pmem_unmap_req_decode(ioctl->input, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	struct grant *g = grant_find(r->session, q.grant_id);
	if (q.version != PMEM_VERSION || !g || !grant_is_of(g, r->open) || !grant_is_live(g)) {
		req_error(r, q.version != PMEM_VERSION ? STATUS_REVISION_MISMATCH : STATUS_NOT_FOUND);
		return;
	}
	grant_end(g, GRANT_CAUSE_UNMAP);
	fsctl_reply(r, ioctl, STATUS_SUCCESS, BYTES(NULL, 0));
}
