/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/pmem.h"

bool pmem_offer_req_decode(struct bytes in, struct pmem_offer_req *q)
{
	struct rd r = rd_over(in);

	q->version = rd_u16(&r);
	rd_skip(&r, 2);
	q->access = rd_u32(&r);
	return !r.bad;
}

void pmem_offer_req_encode(struct wr *w, const struct pmem_offer_req *q)
{
	wr_u16(w, q->version);
	wr_zero(w, 2);
	wr_u32(w, q->access);
}

bool pmem_offer_rsp_decode(struct bytes in, struct pmem_offer_rsp *p)
{
	struct rd r = rd_over(in);

	p->version = rd_u16(&r);
	p->durability = rd_u8(&r);
	p->guard = rd_u8(&r);
	p->status = rd_u32(&r);
	p->access = rd_u32(&r);
	p->commit_methods = rd_u32(&r);
	p->granularity = rd_u32(&r);
	p->revoke_timeout = rd_u32(&r);
	p->max_grants = rd_u32(&r);
	rd_skip(&r, 4);
	p->max_length = rd_u64(&r);
	rd_skip(&r, 8);
	return !r.bad;
}

void pmem_offer_rsp_encode(struct wr *w, const struct pmem_offer_rsp *p)
{
	wr_u16(w, p->version);
	wr_u8(w, p->durability);
	wr_u8(w, p->guard);
	wr_u32(w, p->status);
	wr_u32(w, p->access);
	wr_u32(w, p->commit_methods);
	wr_u32(w, p->granularity);
	wr_u32(w, p->revoke_timeout);
	wr_u32(w, p->max_grants);
	wr_zero(w, 4);
	wr_u64(w, p->max_length);
	wr_zero(w, 8);
}

bool pmem_map_req_decode(struct bytes in, struct pmem_map_req *q)
{
	struct rd r = rd_over(in);

	q->version = rd_u16(&r);
	rd_skip(&r, 2);
	q->access = rd_u32(&r);
	q->offset = rd_u64(&r);
	q->length = rd_u64(&r);
	return !r.bad;
}

void pmem_map_req_encode(struct wr *w, const struct pmem_map_req *q)
{
	wr_u16(w, q->version);
	wr_zero(w, 2);
	wr_u32(w, q->access);
	wr_u64(w, q->offset);
	wr_u64(w, q->length);
}

bool pmem_map_rsp_decode(struct bytes in, struct pmem_map_rsp *p)
{
	struct rd r = rd_over(in);
	unsigned n;

	p->version = rd_u16(&r);
	p->durability = rd_u8(&r);
	p->guard = rd_u8(&r);
	p->commit_methods = rd_u32(&r);
	p->grant_id = rd_u64(&r);
	p->offset = rd_u64(&r);
	p->length = rd_u64(&r);
	p->access = rd_u32(&r);
	p->revoke_timeout = rd_u32(&r);
	p->descriptor_count = rd_u16(&r);
	rd_skip(&r, 6);
	struct bytes d = rd_bytes(&r, (size_t)p->descriptor_count * SMBDIRECT_DESCRIPTOR_SIZE);
	return !r.bad && smbdirect_descriptors_decode(d, p->descriptors, &n);
}

void pmem_map_rsp_encode(struct wr *w, const struct pmem_map_rsp *p)
{
	wr_u16(w, p->version);
	wr_u8(w, p->durability);
	wr_u8(w, p->guard);
	wr_u32(w, p->commit_methods);
	wr_u64(w, p->grant_id);
	wr_u64(w, p->offset);
	wr_u64(w, p->length);
	wr_u32(w, p->access);
	wr_u32(w, p->revoke_timeout);
	wr_u16(w, p->descriptor_count);
	wr_zero(w, 6);
	for (unsigned i = 0; i < p->descriptor_count && i < SMBDIRECT_MAX_DESCRIPTORS; i++)
		smbdirect_descriptor_encode(w, &p->descriptors[i]);
}

bool pmem_commit_req_decode(struct bytes in, struct pmem_commit_req *q)
{
	struct rd r = rd_over(in);

	q->version = rd_u16(&r);
	q->range_count = rd_u16(&r);
	rd_skip(&r, 4);
	q->grant_id = rd_u64(&r);
	if (q->range_count > PMEM_MAX_RANGES)
		return false;
	for (unsigned i = 0; i < q->range_count; i++)
		q->ranges[i] = (struct pmem_range){rd_u64(&r), rd_u64(&r)};
	return !r.bad;
}

void pmem_commit_req_encode(struct wr *w, const struct pmem_commit_req *q)
{
	wr_u16(w, q->version);
	wr_u16(w, q->range_count);
	wr_zero(w, 4);
	wr_u64(w, q->grant_id);
	for (unsigned i = 0; i < q->range_count && i < PMEM_MAX_RANGES; i++) {
		wr_u64(w, q->ranges[i].offset);
		wr_u64(w, q->ranges[i].length);
	}
}

bool pmem_commit_rsp_decode(struct bytes in, struct pmem_commit_rsp *p)
{
	struct rd r = rd_over(in);

	p->version = rd_u16(&r);
	p->durability = rd_u8(&r);
	rd_skip(&r, 5);
	return !r.bad;
}

void pmem_commit_rsp_encode(struct wr *w, const struct pmem_commit_rsp *p)
{
	wr_u16(w, p->version);
	wr_u8(w, p->durability);
	wr_zero(w, 5);
}

bool pmem_unmap_req_decode(struct bytes in, struct pmem_unmap_req *q)
{
	struct rd r = rd_over(in);

	q->version = rd_u16(&r);
	rd_skip(&r, 6);
	q->grant_id = rd_u64(&r);
	return !r.bad;
}

void pmem_unmap_req_encode(struct wr *w, const struct pmem_unmap_req *q)
{
	wr_u16(w, q->version);
	wr_zero(w, 6);
	wr_u64(w, q->grant_id);
}
