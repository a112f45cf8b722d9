/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* For programs that wait. A request that cannot be made is STATUS_NO_MEMORY. */
#include "client/pmem.h"

/* Runs the events until req has ended, however it ended. */
static bool wait_for(struct tevent_req *req, struct daxsmb_direct *d)
{
	while (req && tevent_req_is_in_progress(req))
		if (daxsmb_direct_loop_once(d))
			return false;
	return req;
}

ntstatus_t daxsmb_file_open(struct daxsmb_direct *d, const char *path, const struct smb2_create_req *in,
	uint32_t access, struct daxsmb_file **out)
{
	struct tevent_req *req = daxsmb_file_open_send(d, d, path, in, access);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, d))
		status = daxsmb_file_open_recv(req, out);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_file_close(struct daxsmb_file *f)
{
	struct daxsmb_direct *d = f->direct;
	struct tevent_req *req = daxsmb_file_close_send(d, f);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, d))
		status = daxsmb_file_close_recv(req);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_map(
	struct daxsmb_file *f, uint64_t offset, uint64_t length, uint32_t access, struct daxsmb_region **out)
{
	struct daxsmb_direct *d = f->direct;
	struct tevent_req *req = daxsmb_map_send(d, f, offset, length, access);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, d))
		status = daxsmb_map_recv(req, out);
	talloc_free(req);
	return status;
}

static ntstatus_t operate(struct daxsmb_region *r, struct tevent_req *req)
{
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, r->file->direct))
		status = daxsmb_region_recv(req);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_region_read(struct daxsmb_region *r, uint64_t offset, void *buf, size_t len)
{
	return operate(r, daxsmb_region_read_send(r, r, offset, buf, len));
}

ntstatus_t daxsmb_region_write(struct daxsmb_region *r, uint64_t offset, const void *data, size_t len)
{
	return operate(r, daxsmb_region_write_send(r, r, offset, data, len));
}

ntstatus_t daxsmb_region_write_durably(struct daxsmb_region *r, uint64_t offset, const void *data, size_t len)
{
	return operate(r, daxsmb_region_write_durably_send(r, r, offset, data, len));
}

ntstatus_t daxsmb_region_commit(struct daxsmb_region *r)
{
	return operate(r, daxsmb_region_commit_send(r, r));
}

ntstatus_t daxsmb_unmap(struct daxsmb_region *r)
{
	struct daxsmb_file *f = r->file;
	struct tevent_req *req = daxsmb_unmap_send(f, r);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, f->direct))
		status = daxsmb_unmap_recv(req);
	talloc_free(req);
	return status;
}
