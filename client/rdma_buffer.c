/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/rdma_buffer.h"

bool rdma_buffer_allowed(const struct daxsmb_tree *t)
{
	const struct daxsmb_session *s = t->session;
	const struct daxsmb_conn *c = s ? s->conn : NULL;

	if (!c || c->dead || !c->transport->ops->register_target || c->dialect < SMB2_DIALECT_0300)
		return false;
	/* What is placed by RDMA is outside the message: neither signature nor encryption would cover it. */
	return !(s->signer && s->sign) && !(s->seal_out && (s->seal || t->seal));
}

static int rdma_buffer_destructor(struct rdma_buffer *b)
{
	rdma_buffer_end(b);
	return 0;
}

static bool rdma_buffer_register(struct rdma_buffer *b, struct transport *t)
{
	struct wr w = wr_over(b->descriptor, sizeof(b->descriptor));

	if (t->ops->register_target(t, &b->target))
		return false;
	b->transport = t;
	smbdirect_descriptor_encode(&w,
		&(struct smbdirect_descriptor){.token = b->target.tag, .length = (uint32_t)b->target.len});
	return true;
}

struct rdma_buffer *rdma_buffer_new(
	TALLOC_CTX *mem, const struct daxsmb_tree *t, const uint8_t *base, size_t len, unsigned rights)
{
	struct rdma_buffer *b;

	if (len < RDMA_BUFFER_MIN || !rdma_buffer_allowed(t) ||
		len > t->session->conn->transport->max_transfer)
		return NULL;
	b = talloc_zero(mem, struct rdma_buffer);
	if (!b)
		return NULL;
	talloc_set_destructor(b, rdma_buffer_destructor);
	b->target = (struct rdma_target){.base = (uint8_t *)base, .len = len, .rights = rights};
	if (!base)
		b->target.base = talloc_size(b, len);
	if (!b->target.base || !rdma_buffer_register(b, t->session->conn->transport))
		TALLOC_FREE(b);
	return b;
}

uint32_t rdma_buffer_channel(const struct daxsmb_conn *c)
{
	/* 2.2.19: 3.0 does not have the second one. */
	return c->dialect >= SMB2_DIALECT_0302 ? SMB2_CHANNEL_RDMA_V1_INVALIDATE : SMB2_CHANNEL_RDMA_V1;
}

struct bytes rdma_buffer_descriptors(const struct rdma_buffer *b)
{
	return BYTES(b->descriptor, sizeof(b->descriptor));
}

void rdma_buffer_end(struct rdma_buffer *b)
{
	if (b->transport)
		b->transport->ops->deregister(b->transport, &b->target);
	b->transport = NULL;
}
