/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/negotiate_context.h"

/* One row per kind of context: how its data is laid out. Kinds without a row are skipped. */

typedef struct smb2_negotiate_contexts contexts_t;

struct kind {
	uint16_t type;
	bool (*decode)(struct rd *data, contexts_t *out);
	void (*encode)(struct wr *w, const contexts_t *in);
	size_t present; /* offset of the has_ flag */
};

/* `count` ids, of which those that fit are kept. A count of 0 is malformed in every kind. */
static void rd_list(struct rd *r, uint16_t count, struct u16_list *list)
{
	if (count == 0)
		r->bad = true;
	for (unsigned i = 0; i < count && !r->bad; i++) {
		uint16_t v = rd_u16(r);
		if (!r->bad && i < NEG_LIST_MAX)
			list->v[list->count++] = v;
	}
}

static void wr_list(struct wr *w, const struct u16_list *list)
{
	if (list->count == 0 || list->count > NEG_LIST_MAX) {
		w->bad = true;
		return;
	}
	for (unsigned i = 0; i < list->count; i++)
		wr_u16(w, list->v[i]);
}

static bool decode_preauth(struct rd *r, contexts_t *out)
{
	uint16_t count = rd_u16(r);
	uint16_t salt_length = rd_u16(r);

	rd_list(r, count, &out->preauth_hashes);
	out->salt = rd_bytes(r, salt_length);
	return !r->bad;
}

static void encode_preauth(struct wr *w, const contexts_t *in)
{
	wr_u16(w, in->preauth_hashes.count);
	wr_u16(w, in->salt.len);
	wr_list(w, &in->preauth_hashes);
	wr_bytes(w, in->salt);
}

static bool decode_ciphers(struct rd *r, contexts_t *out)
{
	rd_list(r, rd_u16(r), &out->ciphers);
	return !r->bad;
}

static void encode_ciphers(struct wr *w, const contexts_t *in)
{
	wr_u16(w, in->ciphers.count);
	wr_list(w, &in->ciphers);
}

/* Padding and Flags stand between the count and the list. */
static bool decode_compression(struct rd *r, contexts_t *out)
{
	uint16_t count = rd_u16(r);

	rd_skip(r, 6);
	rd_list(r, count, &out->compression);
	return !r->bad;
}

static void encode_compression(struct wr *w, const contexts_t *in)
{
	wr_u16(w, in->compression.count);
	wr_zero(w, 6);
	wr_list(w, &in->compression);
}

static bool decode_netname(struct rd *r, contexts_t *out)
{
	out->netname = rd_bytes(r, rd_left(r));
	return !r->bad;
}

static void encode_netname(struct wr *w, const contexts_t *in)
{
	wr_bytes(w, in->netname);
}

/* Reserved1 and Reserved2 stand between the count and the list. */
static bool decode_rdma_transform(struct rd *r, contexts_t *out)
{
	uint16_t count = rd_u16(r);

	rd_skip(r, 6);
	rd_list(r, count, &out->rdma_transform);
	return !r->bad;
}

static void encode_rdma_transform(struct wr *w, const contexts_t *in)
{
	wr_u16(w, in->rdma_transform.count);
	wr_zero(w, 6);
	wr_list(w, &in->rdma_transform);
}

static bool decode_signing(struct rd *r, contexts_t *out)
{
	rd_list(r, rd_u16(r), &out->signing);
	return !r->bad;
}

static void encode_signing(struct wr *w, const contexts_t *in)
{
	wr_u16(w, in->signing.count);
	wr_list(w, &in->signing);
}

#define HAS(member) offsetof(contexts_t, member)
static const struct kind kinds[] = {
	{SMB2_PREAUTH_INTEGRITY_CAPABILITIES, decode_preauth, encode_preauth, HAS(has_preauth)},
	{SMB2_ENCRYPTION_CAPABILITIES, decode_ciphers, encode_ciphers, HAS(has_ciphers)},
	{SMB2_COMPRESSION_CAPABILITIES, decode_compression, encode_compression, HAS(has_compression)},
	{SMB2_NETNAME_NEGOTIATE_CONTEXT_ID, decode_netname, encode_netname, HAS(has_netname)},
	{SMB2_RDMA_TRANSFORM_CAPABILITIES, decode_rdma_transform, encode_rdma_transform, HAS(has_rdma_transform)},
	{SMB2_SIGNING_CAPABILITIES, decode_signing, encode_signing, HAS(has_signing)},
};

static const struct kind *find_kind(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static bool decode_one(uint16_t type, struct bytes data, contexts_t *out)
{
	const struct kind *k = find_kind(type);
	struct rd r = rd_over(data);

	if (!k)
		return true;
	bool *present = (bool *)((char *)out + k->present);
	if (*present)
		return false;
	*present = true;
	return k->decode(&r, out);
}

bool smb2_negotiate_contexts_decode(struct bytes contexts, uint16_t count, struct smb2_negotiate_contexts *out)
{
	struct rd r = rd_over(contexts);

	*out = (struct smb2_negotiate_contexts){0};
	for (unsigned i = 0; i < count; i++) {
		rd_align(&r, 8);
		uint16_t type = rd_u16(&r);
		uint16_t length = rd_u16(&r);
		rd_skip(&r, 4);
		struct bytes data = rd_bytes(&r, length);
		if (r.bad || !decode_one(type, data, out))
			return false;
	}
	return true;
}

static void encode_one(struct wr *w, const struct kind *k, const contexts_t *in)
{
	wr_u16(w, k->type);
	size_t length_at = w->pos;
	wr_zero(w, 6); /* DataLength, Reserved */
	size_t data = w->pos;
	k->encode(w, in);
	wr_patch(w, length_at, w->pos - data, 2);
}

/* Each context but the first is 8-aligned, counted from the first: the caller aligns that one in the message. */
void smb2_negotiate_contexts_encode(struct wr *w, const struct smb2_negotiate_contexts *in, uint16_t *count)
{
	size_t start = w->pos;

	*count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!*(const bool *)((const char *)in + kinds[i].present))
			continue;
		wr_zero(w, (start - w->pos) % 8);
		encode_one(w, &kinds[i], in);
		++*count;
	}
}
