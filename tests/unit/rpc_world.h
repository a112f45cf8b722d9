/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_UNIT_RPC_WORLD_H
#define TESTS_UNIT_RPC_WORLD_H

#include "smbd/rpc.h"
#include "smbd/rpc_service.h"
#include "wire/srvsvc.h"
#include "wire/wkssvc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A server with a few shares and a pipe to it, and a client's half of the protocol. */

enum { BUF = 70000, WHOLE = DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG, CALL = 42 };

#define assert_status(got, expected) assert_int_equal((ntstatus_t)(got), (ntstatus_t)(expected))

/* A server with `many` shares behind the four that are always there. */
struct world {
	TALLOC_CTX *mem;
	struct rpc_env env;
	struct rpc_pipe *pipe;
	size_t many;
	char name[32];
};

static inline bool share_at(void *arg, size_t i, struct rpc_share *out)
{
	static const struct rpc_share fixed[] = {
		{.name = "data",
			.comment = "A share of data",
			.path = "/srv/data",
			.max_users = 9,
			.current_users = 2},
		{.name = "secret", .comment = "not for everybody", .path = "/srv/secret", .hidden = true},
		{.name = "latin", .comment = "\xE9", .path = "/srv/latin", .caching = 0x30},
		{.name = "IPC$", .comment = "", .path = "/", .type = STYPE_IPC | STYPE_SPECIAL},
	};
	struct world *w = arg;

	if (i < ARRAY_SIZE(fixed)) {
		*out = fixed[i];
		return true;
	}
	if (i - ARRAY_SIZE(fixed) >= w->many)
		return false;
	snprintf(w->name, sizeof(w->name), "share%zu", i);
	*out = (struct rpc_share){.name = w->name, .comment = "one of many", .path = "/srv/many"};
	return true;
}

static inline int make_world(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);

	w->mem = w;
	w->env = (struct rpc_env){.server_name = "SRV", .workgroup = "GROUP", .server_comment = "a server",
		.share_at = share_at, .arg = w, .user_is_admin = true, .user_count = 3};
	w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
	*state = w;
	return w->pipe ? 0 : -1;
}

static inline int end_world(void **state)
{
	talloc_free(*state);
	return 0;
}

/* The next answer, allocated under the world; its body's reader stands behind the header. */
struct answer {
	struct dcerpc_header h;
	struct rd body;
	size_t len;
};

static inline struct answer next_answer(struct world *w)
{
	struct answer a;
	uint8_t *buf = talloc_size(w, BUF);
	struct rd r;

	assert_status(rpc_pipe_read(w->pipe, buf, BUF, &a.len), STATUS_SUCCESS);
	r = rd_over(BYTES(buf, a.len));
	assert_true(dcerpc_header_decode(&r, &a.h));
	assert_true(dcerpc_body(BYTES(buf, a.len), &a.h, &a.body));
	return a;
}

static inline void assert_nothing_pending(struct world *w, ntstatus_t status)
{
	uint8_t buf[16];
	size_t got = 1;

	assert_int_equal(rpc_pipe_pending(w->pipe), 0);
	assert_status(rpc_pipe_read(w->pipe, buf, sizeof(buf), &got), status);
	assert_int_equal(got, 0);
}

static inline void assert_fault(struct world *w, uint32_t status)
{
	struct dcerpc_fault f;
	struct answer a = next_answer(w);

	assert_int_equal(a.h.type, DCERPC_FAULT);
	assert_true(dcerpc_fault_decode(&a.body, &f));
	assert_int_equal(f.status, status);
}

static inline void assert_broken(struct world *w, uint32_t fault)
{
	assert_fault(w, fault);
	assert_nothing_pending(w, STATUS_PIPE_BROKEN);
	assert_status(rpc_pipe_write(w->pipe, BYTES("x", 1)), STATUS_PIPE_BROKEN);
}

static inline struct bytes context(
	TALLOC_CTX *mem, uint16_t id, struct dcerpc_syntax abstract, struct dcerpc_syntax transfer)
{
	uint8_t *buf = talloc_size(mem, 64);
	uint8_t t[20];
	struct wr tw = wr_over(t, sizeof(t)), w = wr_over(buf, 64);
	struct dcerpc_context c = {id, 1, abstract, BYTES(t, sizeof(t))};

	dcerpc_syntax_encode(&tw, &transfer);
	dcerpc_context_encode(&w, &c);
	return BYTES(buf, w.pos);
}

static inline struct bytes bind_pdu(
	struct world *world, enum dcerpc_type type, uint16_t max_recv, struct bytes contexts, uint8_t count)
{
	uint8_t *buf = talloc_size(world, BUF);
	struct wr w = wr_over(buf, BUF);
	struct dcerpc_bind b = {4280, max_recv, 0, count, contexts};

	dcerpc_pdu_begin(&w, type, WHOLE, 1);
	dcerpc_bind_encode(&w, &b);
	dcerpc_pdu_end(&w);
	assert_false(w.bad);
	return BYTES(buf, w.pos);
}

static inline void bind_srvsvc(struct world *w, uint16_t max_recv)
{
	struct bytes c = context(w, 0, srvsvc_interface, dcerpc_ndr20);

	assert_status(rpc_pipe_write(w->pipe, bind_pdu(w, DCERPC_BIND, max_recv, c, 1)), STATUS_SUCCESS);
	assert_int_equal(next_answer(w).h.type, DCERPC_BIND_ACK);
}

static inline struct bytes request_pdu(
	struct world *world, uint8_t flags, uint16_t context_id, uint16_t opnum, struct bytes stub)
{
	uint8_t *buf = talloc_size(world, BUF);
	struct wr w = wr_over(buf, BUF);
	struct dcerpc_request q = {(uint32_t)stub.len, context_id, opnum, stub};

	dcerpc_pdu_begin(&w, DCERPC_REQUEST, flags, CALL);
	dcerpc_request_encode(&w, &q);
	dcerpc_pdu_end(&w);
	assert_false(w.bad);
	return BYTES(buf, w.pos);
}

static inline struct bytes share_enum_stub(struct world *world, struct srvsvc_share_enum_req q)
{
	uint8_t *buf = talloc_size(world, 1024);
	struct wr w = wr_over(buf, 1024);

	srvsvc_share_enum_req_encode(&w, &q);
	assert_false(w.bad);
	return BYTES(buf, w.pos);
}

/* All fragments of the response to the call, put together. */
static inline struct bytes read_response(struct world *w)
{
	uint8_t *stub = talloc_size(w, RPC_MAX_OUTPUT);
	size_t n = 0;
	struct answer a;

	do {
		struct dcerpc_response rsp;
		a = next_answer(w);
		assert_int_equal(a.h.type, DCERPC_RESPONSE);
		assert_int_equal(a.h.call_id, CALL);
		assert_int_equal(!!(a.h.flags & DCERPC_FIRST_FRAG), n == 0);
		assert_true(dcerpc_response_decode(&a.body, &rsp));
		memcpy(stub + n, rsp.stub.data, rsp.stub.len);
		n += rsp.stub.len;
	} while (!(a.h.flags & DCERPC_LAST_FRAG));
	return BYTES(stub, n);
}

static inline struct bytes call(struct world *w, uint16_t opnum, struct bytes stub)
{
	assert_status(rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 0, opnum, stub)), STATUS_SUCCESS);
	struct bytes rsp = read_response(w);
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	return rsp;
}

static inline struct srvsvc_share_enum_rsp share_enum(struct world *w, struct srvsvc_share_enum_req q)
{
	struct srvsvc_share_enum_rsp rsp = {0};

	assert_true(
		srvsvc_share_enum_rsp_decode(w, call(w, SRVSVC_NET_SHARE_ENUM, share_enum_stub(w, q)), &rsp));
	return rsp;
}

static const struct srvsvc_share_enum_req list_all = {NULL, 1, UINT32_MAX, false, 0};

#define with_world(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

#endif
