/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/srvsvc.h"
#include "wire/wkssvc.h"

#include <stdlib.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte selects PDUs or a stub. What decodes encodes, and is the same after another round. */
enum { BUF = 1 << 20 };

static uint8_t first[BUF], second[BUF];

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_equal(const struct wr *a, const struct wr *b)
{
	must(!a->bad && !b->bad && a->pos == b->pos && memcmp(a->base, b->base, a->pos) == 0);
}

#define PDU(X)                                                                                                \
	static void fuzz_##X(struct rd *r)                                                                    \
	{                                                                                                     \
		static struct X v, again;                                                                     \
		struct wr a = wr_over(first, BUF), b = wr_over(second, BUF);                                  \
                                                                                                              \
		if (!X##_decode(r, &v))                                                                       \
			return;                                                                               \
		wr_zero(&a, DCERPC_HEADER_SIZE);                                                              \
		X##_encode(&a, &v);                                                                           \
		struct rd second_time = {.base = first, .len = a.pos, .pos = DCERPC_HEADER_SIZE};             \
		must(X##_decode(&second_time, &again));                                                       \
		wr_zero(&b, DCERPC_HEADER_SIZE);                                                              \
		X##_encode(&b, &again);                                                                       \
		must_be_equal(&a, &b);                                                                        \
	}
PDU(dcerpc_bind)
PDU(dcerpc_bind_ack)
PDU(dcerpc_bind_nak)
PDU(dcerpc_response)
PDU(dcerpc_fault)

static void fuzz_pdu(TALLOC_CTX *mem, struct bytes in)
{
	struct rd r = rd_over(in), body;
	struct dcerpc_header h;
	struct dcerpc_request q;

	if (!dcerpc_header_decode(&r, &h) || !dcerpc_body(in, &h, &body))
		return;
	must(body.pos == DCERPC_HEADER_SIZE && body.len <= in.len);
	if (h.type == DCERPC_BIND || h.type == DCERPC_ALTER_CONTEXT)
		fuzz_dcerpc_bind(&body);
	else if (h.type == DCERPC_BIND_ACK || h.type == DCERPC_ALTER_CONTEXT_RESP)
		fuzz_dcerpc_bind_ack(&body);
	else if (h.type == DCERPC_BIND_NAK)
		fuzz_dcerpc_bind_nak(&body);
	else if (h.type == DCERPC_RESPONSE)
		fuzz_dcerpc_response(&body);
	else if (h.type == DCERPC_FAULT)
		fuzz_dcerpc_fault(&body);
	else if (dcerpc_request_decode(&body, h.flags, &q))
		must(q.stub.len <= in.len - DCERPC_RESPONSE_OVERHEAD);
}

#define STUB(X)                                                                                               \
	static void fuzz_##X(TALLOC_CTX *mem, struct bytes in)                                                \
	{                                                                                                     \
		struct X v = {0}, again = {0};                                                                \
		struct wr a = wr_over(first, BUF), b = wr_over(second, BUF);                                  \
                                                                                                              \
		if (!X##_decode(mem, in, &v))                                                                 \
			return;                                                                               \
		X##_encode(&a, &v);                                                                           \
		must(X##_decode(mem, BYTES(first, a.pos), &again));                                           \
		X##_encode(&b, &again);                                                                       \
		must_be_equal(&a, &b);                                                                        \
	}
STUB(srvsvc_share_enum_req)
STUB(srvsvc_share_enum_rsp)
STUB(srvsvc_share_get_info_req)
STUB(srvsvc_share_get_info_rsp)
STUB(srvsvc_server_get_info_req)
STUB(srvsvc_server_get_info_rsp)
STUB(srvsvc_remote_tod_req)
STUB(srvsvc_remote_tod_rsp)
STUB(wkssvc_wksta_get_info_req)
STUB(wkssvc_wksta_get_info_rsp)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(TALLOC_CTX *, struct bytes) = {fuzz_pdu, fuzz_srvsvc_share_enum_req,
		fuzz_srvsvc_share_enum_rsp, fuzz_srvsvc_share_get_info_req, fuzz_srvsvc_share_get_info_rsp,
		fuzz_srvsvc_server_get_info_req, fuzz_srvsvc_server_get_info_rsp, fuzz_srvsvc_remote_tod_req,
		fuzz_srvsvc_remote_tod_rsp, fuzz_wkssvc_wksta_get_info_req, fuzz_wkssvc_wksta_get_info_rsp};
	TALLOC_CTX *mem;

	if (size == 0 || size > BUF / 16)
		return 0;
	mem = talloc_new(NULL);
	kinds[data[0] % ARRAY_SIZE(kinds)](mem, BYTES(data + 1, size - 1));
	talloc_free(mem);
	return 0;
}
