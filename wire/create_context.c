/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/create_context.h"

typedef struct smb2_create_contexts_req req_t;
typedef struct smb2_create_contexts_rsp rsp_t;

enum { CONTEXT_HEADER_SIZE = 16 };
enum { LEASE_V1_SIZE = 32, DURABLE_SIZE = 16, APP_INSTANCE_SIZE = 20 };

/*
 * One row per kind of context and direction. Decoding consumes the data exactly: a length other than the
 * specification's is malformed. Kinds without a row are skipped.
 */
struct kind {
	const char *name;
	uint8_t name_len;
	size_t present; /* offset of the has_ flag in the struct that `decode` fills */
	void (*decode)(struct rd *data, void *out);
	void (*encode)(struct wr *w, const void *in);
};

struct table {
	const struct kind *kinds;
	size_t n;
};

#define APP_INSTANCE_ID_NAME "\x45\xBC\xA6\x6A\xEF\xA7\xF7\x4A\x90\x08\xFA\x46\x2E\x14\x4D\x74"

static void no_data_decode(struct rd *r, void *out)
{
}

static void no_data_encode(struct wr *w, const void *in)
{
}

/* [MS-SMB2] 2.2.13.2.8 and 2.2.13.2.10: the length tells the versions apart. */
static void lease_decode(struct rd *r, struct smb2_lease *l)
{
	l->version = rd_left(r) == LEASE_V1_SIZE ? 1 : 2;
	rd_copy(r, l->key, sizeof(l->key));
	l->state = rd_u32(r);
	l->flags = rd_u32(r);
	l->duration = rd_u64(r);
	if (l->version == 1)
		return;
	rd_copy(r, l->parent_key, sizeof(l->parent_key));
	l->epoch = rd_u16(r);
	rd_skip(r, 2);
}

static void lease_encode(struct wr *w, const struct smb2_lease *l)
{
	wr_bytes(w, BYTES(l->key, sizeof(l->key)));
	wr_u32(w, l->state);
	wr_u32(w, l->flags);
	wr_u64(w, l->duration);
	if (l->version == 1)
		return;
	wr_bytes(w, BYTES(l->parent_key, sizeof(l->parent_key)));
	wr_u16(w, l->epoch);
	wr_zero(w, 2);
}

static void req_lease_decode(struct rd *r, void *out)
{
	lease_decode(r, &((req_t *)out)->lease);
}

static void req_lease_encode(struct wr *w, const void *in)
{
	lease_encode(w, &((const req_t *)in)->lease);
}

/* [MS-SMB2] 2.2.13.2.5: the time stamp is optional. */
static void req_mxac_decode(struct rd *r, void *out)
{
	req_t *q = out;

	if (rd_left(r) == 0)
		return;
	q->has_mxac_time = true;
	q->mxac_time = rd_u64(r);
}

static void req_mxac_encode(struct wr *w, const void *in)
{
	const req_t *q = in;

	if (q->has_mxac_time)
		wr_u64(w, q->mxac_time);
}

static void req_alsi_decode(struct rd *r, void *out)
{
	((req_t *)out)->allocation_size = rd_u64(r);
}

static void req_alsi_encode(struct wr *w, const void *in)
{
	wr_u64(w, ((const req_t *)in)->allocation_size);
}

static void req_twrp_decode(struct rd *r, void *out)
{
	((req_t *)out)->timewarp = rd_u64(r);
}

static void req_twrp_encode(struct wr *w, const void *in)
{
	wr_u64(w, ((const req_t *)in)->timewarp);
}

static void req_dhnq_decode(struct rd *r, void *out)
{
	rd_skip(r, DURABLE_SIZE);
}

static void req_dhnq_encode(struct wr *w, const void *in)
{
	wr_zero(w, DURABLE_SIZE);
}

static void req_dhnc_decode(struct rd *r, void *out)
{
	((req_t *)out)->dhnc_file_id = rd_file_id(r);
}

static void req_dhnc_encode(struct wr *w, const void *in)
{
	wr_file_id(w, ((const req_t *)in)->dhnc_file_id);
}

static void req_dh2q_decode(struct rd *r, void *out)
{
	struct smb2_durable_v2 *d = &((req_t *)out)->dh2q;

	d->timeout = rd_u32(r);
	d->flags = rd_u32(r);
	rd_skip(r, 8);
	rd_copy(r, d->create_guid, sizeof(d->create_guid));
}

static void req_dh2q_encode(struct wr *w, const void *in)
{
	const struct smb2_durable_v2 *d = &((const req_t *)in)->dh2q;

	wr_u32(w, d->timeout);
	wr_u32(w, d->flags);
	wr_zero(w, 8);
	wr_bytes(w, BYTES(d->create_guid, sizeof(d->create_guid)));
}

static void req_dh2c_decode(struct rd *r, void *out)
{
	struct smb2_durable_v2_reconnect *d = &((req_t *)out)->dh2c;

	d->file_id = rd_file_id(r);
	rd_copy(r, d->create_guid, sizeof(d->create_guid));
	d->flags = rd_u32(r);
}

static void req_dh2c_encode(struct wr *w, const void *in)
{
	const struct smb2_durable_v2_reconnect *d = &((const req_t *)in)->dh2c;

	wr_file_id(w, d->file_id);
	wr_bytes(w, BYTES(d->create_guid, sizeof(d->create_guid)));
	wr_u32(w, d->flags);
}

static void req_exta_decode(struct rd *r, void *out)
{
	((req_t *)out)->extended_attributes = rd_bytes(r, rd_left(r));
}

static void req_exta_encode(struct wr *w, const void *in)
{
	wr_bytes(w, ((const req_t *)in)->extended_attributes);
}

static void req_secd_decode(struct rd *r, void *out)
{
	((req_t *)out)->security_descriptor = rd_bytes(r, rd_left(r));
}

static void req_secd_encode(struct wr *w, const void *in)
{
	wr_bytes(w, ((const req_t *)in)->security_descriptor);
}

static void req_app_instance_decode(struct rd *r, void *out)
{
	req_t *q = out;

	if (rd_u16(r) != APP_INSTANCE_SIZE)
		r->bad = true;
	rd_skip(r, 2);
	rd_copy(r, q->app_instance_id, sizeof(q->app_instance_id));
}

static void req_app_instance_encode(struct wr *w, const void *in)
{
	const req_t *q = in;

	wr_u16(w, APP_INSTANCE_SIZE);
	wr_zero(w, 2);
	wr_bytes(w, BYTES(q->app_instance_id, sizeof(q->app_instance_id)));
}

static void req_pmem_decode(struct rd *r, void *out)
{
	req_t *q = out;
	struct bytes in = rd_bytes(r, rd_left(r));

	if (!pmem_offer_req_decode(in, &q->pmem))
		r->bad = true;
}

static void req_pmem_encode(struct wr *w, const void *in)
{
	pmem_offer_req_encode(w, &((const req_t *)in)->pmem);
}

#define REQ(n, has, f) {n, sizeof(n) - 1, offsetof(req_t, has), f##_decode, f##_encode}
static const struct kind req_kinds[] = {
	REQ("RqLs", has_lease, req_lease),
	REQ("MxAc", has_mxac, req_mxac),
	REQ("QFid", has_qfid, no_data),
	REQ("DH2Q", has_dh2q, req_dh2q),
	REQ("DHnQ", has_dhnq, req_dhnq),
	REQ("DH2C", has_dh2c, req_dh2c),
	REQ("DHnC", has_dhnc, req_dhnc),
	REQ("AlSi", has_alsi, req_alsi),
	REQ("TWrp", has_twrp, req_twrp),
	REQ("ExtA", has_extended_attributes, req_exta),
	REQ("SecD", has_security_descriptor, req_secd),
	REQ(APP_INSTANCE_ID_NAME, has_app_instance, req_app_instance),
	REQ(PMEM_CONTEXT_NAME, has_pmem, req_pmem),
};

static void rsp_mxac_decode(struct rd *r, void *out)
{
	rsp_t *p = out;

	p->mxac_status = rd_u32(r);
	p->maximal_access = rd_u32(r);
}

static void rsp_mxac_encode(struct wr *w, const void *in)
{
	const rsp_t *p = in;

	wr_u32(w, p->mxac_status);
	wr_u32(w, p->maximal_access);
}

static void rsp_qfid_decode(struct rd *r, void *out)
{
	rsp_t *p = out;

	p->qfid_file_id = rd_u64(r);
	p->qfid_volume_id = rd_u64(r);
	rd_skip(r, 16);
}

static void rsp_qfid_encode(struct wr *w, const void *in)
{
	const rsp_t *p = in;

	wr_u64(w, p->qfid_file_id);
	wr_u64(w, p->qfid_volume_id);
	wr_zero(w, 16);
}

static void rsp_lease_decode(struct rd *r, void *out)
{
	lease_decode(r, &((rsp_t *)out)->lease);
}

static void rsp_lease_encode(struct wr *w, const void *in)
{
	lease_encode(w, &((const rsp_t *)in)->lease);
}

static void rsp_dhnq_decode(struct rd *r, void *out)
{
	rd_skip(r, 8);
}

static void rsp_dhnq_encode(struct wr *w, const void *in)
{
	wr_zero(w, 8);
}

static void rsp_dh2q_decode(struct rd *r, void *out)
{
	rsp_t *p = out;

	p->dh2q.timeout = rd_u32(r);
	p->dh2q.flags = rd_u32(r);
}

static void rsp_dh2q_encode(struct wr *w, const void *in)
{
	const rsp_t *p = in;

	wr_u32(w, p->dh2q.timeout);
	wr_u32(w, p->dh2q.flags);
}

static void rsp_pmem_decode(struct rd *r, void *out)
{
	rsp_t *p = out;
	struct bytes in = rd_bytes(r, rd_left(r));

	if (!pmem_offer_rsp_decode(in, &p->pmem))
		r->bad = true;
}

static void rsp_pmem_encode(struct wr *w, const void *in)
{
	pmem_offer_rsp_encode(w, &((const rsp_t *)in)->pmem);
}

#define RSP(n, has, f) {n, sizeof(n) - 1, offsetof(rsp_t, has), f##_decode, f##_encode}
static const struct kind rsp_kinds[] = {
	RSP("RqLs", has_lease, rsp_lease),
	RSP("MxAc", has_mxac, rsp_mxac),
	RSP("QFid", has_qfid, rsp_qfid),
	RSP("DH2Q", has_dh2q, rsp_dh2q),
	RSP("DHnQ", has_dhnq, rsp_dhnq),
	RSP(PMEM_CONTEXT_NAME, has_pmem, rsp_pmem),
};

static const struct table req_table = {req_kinds, ARRAY_SIZE(req_kinds)};
static const struct table rsp_table = {rsp_kinds, ARRAY_SIZE(rsp_kinds)};

static const struct kind *find_kind(const struct table *t, struct bytes name)
{
	for (size_t i = 0; i < t->n; i++)
		if (bytes_equal(name, BYTES(t->kinds[i].name, t->kinds[i].name_len)))
			return &t->kinds[i];
	return NULL;
}

static bool decode_data(const struct table *t, struct bytes name, struct bytes data, void *out)
{
	const struct kind *k = find_kind(t, name);
	struct rd r = rd_over(data);

	if (!k)
		return true;
	bool *present = (bool *)((char *)out + k->present);
	if (*present)
		return false;
	*present = true;
	k->decode(&r, out);
	return !r.bad && rd_left(&r) == 0;
}

/* One context, whose bytes end where the next begins. */
static bool decode_context(const struct table *t, struct bytes context, void *out)
{
	struct rd r = rd_over(context);

	rd_skip(&r, 4);
	uint16_t name_offset = rd_u16(&r);
	uint16_t name_length = rd_u16(&r);
	rd_skip(&r, 2);
	uint16_t data_offset = rd_u16(&r);
	uint32_t data_length = rd_u32(&r);
	struct bytes name = rd_window(&r, name_offset, name_length);
	struct bytes data = rd_window(&r, data_offset, data_length);
	if (r.bad || name_length < 4 || name_offset < CONTEXT_HEADER_SIZE)
		return false;
	if (data_length && data_offset < CONTEXT_HEADER_SIZE)
		return false;
	return decode_data(t, name, data, out);
}

/* [MS-SMB2] 2.2.13.2: Next is a multiple of 8 and 0 in the last. */
static bool decode_list(const struct table *t, struct bytes contexts, void *out)
{
	struct rd r = rd_over(contexts);

	while (rd_left(&r)) {
		struct rd peek = r;
		uint32_t next = rd_u32(&peek);
		if (next % 8 || (next && next < CONTEXT_HEADER_SIZE))
			return false;
		struct bytes context = rd_bytes(&r, next ? next : rd_left(&r));
		if (peek.bad || r.bad || !decode_context(t, context, out))
			return false;
		if (next && !rd_left(&r))
			return false;
	}
	return true;
}

static void encode_context(struct wr *w, const struct kind *k, const void *in)
{
	size_t start = w->pos;
	size_t data_offset = CONTEXT_HEADER_SIZE + ((k->name_len + 7u) & ~7u);

	wr_u32(w, 0);
	wr_u16(w, CONTEXT_HEADER_SIZE);
	wr_u16(w, k->name_len);
	wr_zero(w, 8); /* Reserved, DataOffset, DataLength */
	wr_bytes(w, BYTES(k->name, k->name_len));
	wr_zero(w, data_offset - CONTEXT_HEADER_SIZE - k->name_len);
	size_t data = w->pos;
	k->encode(w, in);
	if (w->pos == data)
		return;
	wr_patch(w, start + 10, data_offset, 2);
	wr_patch(w, start + 12, w->pos - data, 4);
}

static void encode_list(struct wr *w, const struct table *t, const void *in)
{
	size_t first = w->pos, previous = w->pos;

	for (size_t i = 0; i < t->n; i++) {
		if (!*(const bool *)((const char *)in + t->kinds[i].present))
			continue;
		if (w->pos != first) {
			wr_zero(w, (first - w->pos) % 8);
			wr_patch(w, previous, w->pos - previous, 4);
		}
		previous = w->pos;
		encode_context(w, &t->kinds[i], in);
	}
}

bool smb2_create_contexts_req_decode(struct bytes contexts, struct smb2_create_contexts_req *out)
{
	*out = (struct smb2_create_contexts_req){0};
	return decode_list(&req_table, contexts, out);
}

void smb2_create_contexts_req_encode(struct wr *w, const struct smb2_create_contexts_req *in)
{
	encode_list(w, &req_table, in);
}

bool smb2_create_contexts_rsp_decode(struct bytes contexts, struct smb2_create_contexts_rsp *out)
{
	*out = (struct smb2_create_contexts_rsp){0};
	return decode_list(&rsp_table, contexts, out);
}

void smb2_create_contexts_rsp_encode(struct wr *w, const struct smb2_create_contexts_rsp *in)
{
	encode_list(w, &rsp_table, in);
}
