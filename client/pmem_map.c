/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Regions: MAP and UNMAP. */
#include "client/pmem.h"
#include "client/req.h"
#include "core/clock.h"

enum { MAP_ROOM = PMEM_MAP_RSP_FIXED_SIZE + SMBDIRECT_MAX_DESCRIPTORS * SMBDIRECT_DESCRIPTOR_SIZE };

/* ---- the FSCTLs, on the channel ---- */

struct fsctl_state {
	struct daxsmb_region *region;
	struct pmem_map_rsp map;
};

static struct tevent_req *fsctl_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint32_t code, struct bytes input, uint32_t room)
{
	struct daxsmb_direct *d = r->file->direct;
	struct daxsmb_tree *t = code == FSCTL_PMEM_UNMAP && r->gone ? d->tree : d->on_channel;
	struct smb2_ioctl_req q = {.ctl_code = code,
		.file_id = r->file->id,
		.flags = SMB2_IOCTL_IS_FSCTL,
		.input = input,
		.max_output_response = room};

	return daxsmb_ioctl_send(mem, d->ev, t, &q);
}

static void map_answered(struct tevent_req *sub);
static void map_has_channel(struct tevent_req *sub);

struct tevent_req *pmem_map_request_send(TALLOC_CTX *mem, struct daxsmb_region *r)
{
	struct fsctl_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct fsctl_state);

	if (!req)
		return NULL;
	s->region = r;
	sub = pmem_channel_send(s, r->file->direct);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, r->file->direct->ev);
	tevent_req_set_callback(sub, map_has_channel, req);
	return req;
}

static void map_has_channel(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct fsctl_state *s = tevent_req_data(req, struct fsctl_state);
	struct daxsmb_region *r = s->region;
	uint8_t buf[PMEM_MAP_REQ_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));
	ntstatus_t status = pmem_channel_recv(sub);

	talloc_free(sub);
	if (status_is_ok(status) && !pmem_rdma(r->file->direct))
		status = STATUS_CONNECTION_DISCONNECTED;
	if (req_failed(req, status))
		return;
	pmem_map_req_encode(&w, &(struct pmem_map_req){.version = PMEM_VERSION,
					.access = r->access,
					.offset = r->offset,
					.length = r->length});
	sub = fsctl_send(s, r, FSCTL_PMEM_MAP, BYTES(buf, w.pos), MAP_ROOM);
	if (tevent_req_nomem(sub, req))
		return;
	tevent_req_set_callback(sub, map_answered, req);
}

/* The descriptors have to cover the range, no less. */
static bool map_is_sound(const struct pmem_map_rsp *p, const struct daxsmb_region *r)
{
	uint64_t left = r->length;
	uint32_t access = p->access | PMEM_ACCESS_READ; /* WRITE includes it */

	if (p->version < PMEM_VERSION || p->offset != r->offset || p->length != r->length ||
		r->access & ~access)
		return false;
	if (r->access & PMEM_ACCESS_WRITE && !(p->commit_methods & PMEM_COMMIT_READ_AFTER_WRITE))
		return false;
	for (unsigned i = 0; i < p->descriptor_count; i++) {
		if (p->descriptors[i].length == 0 || p->descriptors[i].length > left)
			return false;
		left -= p->descriptors[i].length;
	}
	return left == 0;
}

static void map_answered(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct fsctl_state *s = tevent_req_data(req, struct fsctl_state);
	struct smb2_ioctl_rsp p;
	ntstatus_t status = daxsmb_ioctl_recv(sub, &p);

	if (status_is_ok(status) &&
		(!pmem_map_rsp_decode(p.output, &s->map) || !map_is_sound(&s->map, s->region)))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

ntstatus_t pmem_map_request_recv(struct tevent_req *req, struct pmem_map_rsp *out)
{
	struct fsctl_state *s = tevent_req_data(req, struct fsctl_state);
	ntstatus_t status = req_status(req);

	if (status_is_ok(status))
		*out = s->map;
	return status;
}

struct tevent_req *pmem_unmap_request_send(TALLOC_CTX *mem, struct daxsmb_region *r)
{
	uint8_t buf[PMEM_UNMAP_REQ_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	pmem_unmap_req_encode(
		&w, &(struct pmem_unmap_req){.version = PMEM_VERSION, .grant_id = r->map.grant_id});
	return fsctl_send(mem, r, FSCTL_PMEM_UNMAP, BYTES(buf, w.pos), 0);
}

/* ---- regions ---- */

struct map_state {
	struct daxsmb_region *region;
};

/* The region is freed, with its file perhaps; the request is the caller's. */
static void unmapping_ends(struct daxsmb_region *r)
{
	struct tevent_req *req = r->unmapping;
	struct map_state *s;

	if (!req)
		return;
	s = tevent_req_data(req, struct map_state);
	s->region = NULL;
	r->unmapping = NULL;
	if (tevent_req_is_in_progress(req))
		req_failed(req, STATUS_CANCELLED);
}

static int region_destructor(struct daxsmb_region *r)
{
	list_remove(&r->link);
	unmapping_ends(r);
	if (!list_empty(&r->issued) || r->draining_commit)
		pmem_channel_end(r->file->direct);
	pmem_operations_end(r);
	pmem_file_advance(r->file);
	return 0;
}

static struct daxsmb_region *region_new(
	TALLOC_CTX *mem, struct daxsmb_file *f, uint64_t offset, uint64_t length, uint32_t access)
{
	struct daxsmb_region *r = talloc_zero(mem, struct daxsmb_region);

	if (!r)
		return NULL;
	r->file = f;
	r->offset = offset;
	r->length = length;
	r->access = access | PMEM_ACCESS_READ;
	list_init(&r->link);
	list_init(&r->held);
	list_init(&r->issued);
	list_init(&r->over_smb);
	list_init(&r->commits);
	talloc_set_destructor(r, region_destructor);
	r->pump = tevent_create_immediate(r);
	if (!r->pump)
		TALLOC_FREE(r);
	return r;
}

static void first_map_answered(struct tevent_req *sub);

struct tevent_req *daxsmb_map_send(
	TALLOC_CTX *mem, struct daxsmb_file *f, uint64_t offset, uint64_t length, uint32_t access)
{
	struct map_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct map_state);

	if (!req)
		return NULL;
	tevent_req_defer_callback(req, f->direct->ev);
	if (!access || (access & ~(f->access | PMEM_ACCESS_READ))) {
		tevent_req_error(req, STATUS_INVALID_PARAMETER);
		return tevent_req_post(req, f->direct->ev);
	}
	s->region = region_new(s, f, offset, length, access);
	if (tevent_req_nomem(s->region, req))
		return tevent_req_post(req, f->direct->ev);
	sub = pmem_map_request_send(s->region, s->region);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, f->direct->ev);
	tevent_req_set_callback(sub, first_map_answered, req);
	/* Once it is sent a break waits for the answer. */
	s->region->request = sub;
	s->region->mapping = req;
	list_append(&f->regions, &s->region->link);
	return req;
}

/* Others use the file now: the region begins over SMB. */
static bool may_be_mapped_later(ntstatus_t status)
{
	return status == STATUS_CANNOT_GRANT_REQUESTED_OPLOCK || status == STATUS_CANCELLED ||
	       status == STATUS_SHARING_VIOLATION;
}

static void first_map_answered(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct map_state *s = tevent_req_data(req, struct map_state);
	struct daxsmb_region *r = s->region;
	struct pmem_map_rsp map;
	ntstatus_t status = pmem_map_request_recv(sub, &map);

	TALLOC_FREE(r->request);
	if (status_is_ok(status))
		pmem_mapped(r, &map);
	else if (may_be_mapped_later(status))
		status = STATUS_SUCCESS;
	if (status_is_ok(status))
		pmem_drained(r);
	else
		TALLOC_FREE(s->region);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

ntstatus_t daxsmb_map_recv(struct tevent_req *req, struct daxsmb_region **out)
{
	struct map_state *s = tevent_req_data(req, struct map_state);
	ntstatus_t status = req_status(req);

	if (!status_is_ok(status))
		return status;
	if (!s->region)
		return STATUS_CANCELLED;
	s->region->mapping = NULL;
	*out = talloc_steal(s->region->file, s->region);
	return STATUS_SUCCESS;
}

void pmem_maps_end(struct daxsmb_file *f)
{
	LIST_FOREACH_SAFE (item, &f->regions) {
		struct daxsmb_region *r = container_of(item, struct daxsmb_region, link);
		struct tevent_req *req = r->mapping;
		struct map_state *s;

		if (!req)
			continue;
		s = tevent_req_data(req, struct map_state);
		TALLOC_FREE(s->region);
		if (tevent_req_is_in_progress(req))
			req_failed(req, STATUS_CANCELLED);
	}
}

void daxsmb_region_watch(struct daxsmb_region *r, daxsmb_region_fn fn, void *arg)
{
	r->watcher = fn;
	r->watcher_arg = arg;
}

void daxsmb_region_facts(const struct daxsmb_region *r, struct daxsmb_region_facts *out)
{
	*out = (struct daxsmb_region_facts){
		.offset = r->offset,
		.length = r->length,
		.access = r->access,
		.direct = r->state == REGION_DIRECT,
		.durability = r->map.durability,
		.guard = r->map.guard,
		.descriptors = r->map.descriptor_count,
		.revoke_timeout = r->map.revoke_timeout,
		.revocations = r->revocations,
		.losses = r->losses,
		.mappings = r->mappings,
		.bytes_direct = r->bytes_direct,
		.bytes_smb = r->bytes_smb,
	};
}

static int unmap_destructor(struct map_state *s)
{
	if (s->region)
		s->region->unmapping = NULL;
	return 0;
}

struct tevent_req *daxsmb_unmap_send(TALLOC_CTX *mem, struct daxsmb_region *r)
{
	struct map_state *s;
	struct tevent_req *req = tevent_req_create(mem, &s, struct map_state);

	if (!req)
		return NULL;
	tevent_req_defer_callback(req, r->file->direct->ev);
	s->region = r;
	talloc_set_destructor(s, unmap_destructor);
	r->unmapping = req;
	if (r->state == REGION_DIRECT)
		r->state = REGION_DRAINING;
	if (r->state == REGION_SMB && !pmem_rdma(r->file->direct))
		TALLOC_FREE(r->request); /* a MAP that waits for its channel */
	pmem_drained(r);
	return req;
}

ntstatus_t daxsmb_unmap_recv(struct tevent_req *req)
{
	struct map_state *s = tevent_req_data(req, struct map_state);

	TALLOC_FREE(s->region);
	return req_status(req);
}

static const char *name_of(const char *const *names, size_t n, uint8_t value)
{
	return value < n && names[value] ? names[value] : "unknown";
}

const char *daxsmb_durability_name(uint8_t durability)
{
	static const char *const names[] = {
		[PMEM_VISIBLE] = "visible", [PMEM_FLUSHED] = "flushed", [PMEM_PERSISTENT] = "persistent"};

	return name_of(names, ARRAY_SIZE(names), durability);
}

const char *daxsmb_guard_name(uint8_t guard)
{
	static const char *const names[] = {[PMEM_GUARD_FANOTIFY] = "fanotify",
		[PMEM_GUARD_LEASE] = "lease",
		[PMEM_GUARD_EXCLUSIVE] = "exclusive"};

	return name_of(names, ARRAY_SIZE(names), guard);
}
