/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/rpc_service.h"

#include "core/list.h"
#include "core/random.h"

#include <strings.h>

/* 4280 is what clients of named pipes offer and expect; 32 contexts are more than one interface can use. */
enum { MAX_FRAG = 4280, MAX_CONTEXTS = 32, MAX_CONTROL_PDU = 8192, FIRST_OUTPUT = 4096 };
/* A queued PDU counts with its bookkeeping, so that many small ones do not pass the limit unseen. */
enum { QUEUE_OVERHEAD = 128 };

struct queued_pdu {
	struct list link;
	size_t len, pos;
	uint8_t data[];
};

struct rpc_pipe {
	const struct rpc_service *service;
	struct rpc_env env;
	bool bound, broken;
	uint16_t max_xmit, max_recv;
	uint32_t assoc_group;
	uint16_t contexts[MAX_CONTEXTS];
	unsigned context_count;
	uint8_t *in;
	size_t in_len;
	bool assembling;
	struct dcerpc_header first; /* of the request being assembled */
	uint16_t context_id, opnum;
	uint8_t *stub;
	size_t stub_len;
	struct list queue;
	size_t queued;
};

static const struct rpc_service *const services[] = {&rpc_srvsvc, &rpc_wkssvc};

static const struct rpc_service *find_service(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strcasecmp(services[i]->pipe, name) == 0)
			return services[i];
	return NULL;
}

bool rpc_pipe_known(const char *name)
{
	return find_service(name) != NULL;
}

struct rpc_pipe *rpc_pipe_open(TALLOC_CTX *mem, const char *name, const struct rpc_env *env)
{
	const struct rpc_service *service = find_service(name);
	struct rpc_pipe *p = service ? talloc_zero(mem, struct rpc_pipe) : NULL;

	if (!p)
		return NULL;
	p->service = service;
	p->env = *env;
	p->max_xmit = p->max_recv = MAX_FRAG;
	list_init(&p->queue);
	return p;
}

static void queue_pdu(struct rpc_pipe *p, const struct wr *w)
{
	size_t cost = w->pos + QUEUE_OVERHEAD;
	struct queued_pdu *q = NULL;

	if (!w->bad && cost <= RPC_MAX_OUTPUT - p->queued)
		q = talloc_size(p, sizeof(*q) + w->pos);
	if (!q) {
		p->broken = true;
		return;
	}
	q->len = w->pos;
	q->pos = 0;
	memcpy(q->data, w->base, w->pos);
	list_append(&p->queue, &q->link);
	p->queued += cost;
}

/* Bytes of PDUs of one response that may still be queued, with room left for a fault. */
static size_t queue_room(const struct rpc_pipe *p)
{
	size_t reserve = 2 * (QUEUE_OVERHEAD + MAX_CONTROL_PDU);

	return p->queued < RPC_MAX_OUTPUT - reserve ? RPC_MAX_OUTPUT - reserve - p->queued : 0;
}

static void send_fault(struct rpc_pipe *p, uint32_t call_id, uint16_t context_id, uint32_t status)
{
	uint8_t buf[64];
	struct wr w = wr_over(buf, sizeof(buf));
	struct dcerpc_fault fault = {.context_id = context_id, .status = status};

	dcerpc_pdu_begin(
		&w, DCERPC_FAULT, DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG | DCERPC_DID_NOT_EXECUTE, call_id);
	dcerpc_fault_encode(&w, &fault);
	dcerpc_pdu_end(&w);
	queue_pdu(p, &w);
}

/* [C706] 12.6.4: a peer that breaks the rules of the association loses it. */
static void protocol_error(struct rpc_pipe *p, const struct dcerpc_header *h)
{
	send_fault(p, h->call_id, 0, DCERPC_FAULT_PROTO_ERROR);
	p->broken = true;
}

static void send_nak(struct rpc_pipe *p, const struct dcerpc_header *h, uint16_t reason)
{
	uint8_t buf[64];
	struct wr w = wr_over(buf, sizeof(buf));
	struct dcerpc_bind_nak nak = {.reason = reason};

	dcerpc_pdu_begin(&w, DCERPC_BIND_NAK, DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG, h->call_id);
	dcerpc_bind_nak_encode(&w, &nak);
	dcerpc_pdu_end(&w);
	queue_pdu(p, &w);
}

static bool has_context(const struct rpc_pipe *p, uint16_t id)
{
	for (unsigned i = 0; i < p->context_count; i++)
		if (p->contexts[i] == id)
			return true;
	return false;
}

static bool offers_ndr20(const struct dcerpc_context *c)
{
	struct rd r = rd_over(c->transfers);
	struct dcerpc_syntax s;

	for (unsigned i = 0; i < c->transfer_count; i++)
		if (dcerpc_syntax_decode(&r, &s) && dcerpc_syntax_equal(&s, &dcerpc_ndr20))
			return true;
	return false;
}

/* [MS-RPCE] 3.3.1.5.3: a context that negotiates features offers that one transfer syntax and no other. */
static bool is_feature_context(const struct dcerpc_context *c, uint16_t *flags)
{
	struct rd r = rd_over(c->transfers);
	struct dcerpc_syntax s;

	return c->transfer_count == 1 && dcerpc_syntax_decode(&r, &s) && dcerpc_syntax_is_features(&s, flags);
}

/*
 * NDR64 alone is a transfer syntax not supported; offered beside NDR20 in one context it is passed over,
 * [MS-RPCE] 3.3.1.5.6. There are no security contexts here to multiplex; an orphaned call never ends the
 * association.
 */
static struct dcerpc_result judge_context(struct rpc_pipe *p, const struct dcerpc_context *c)
{
	uint16_t features;

	if (is_feature_context(c, &features))
		return (struct dcerpc_result){DCERPC_NEGOTIATE_ACK,
			features & DCERPC_FEATURE_KEEP_CONNECTION_ON_ORPHAN};
	if (!dcerpc_syntax_equal(&c->abstract, p->service->interface))
		return (struct dcerpc_result){
			DCERPC_PROVIDER_REJECTION, DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED};
	if (!offers_ndr20(c))
		return (struct dcerpc_result){
			DCERPC_PROVIDER_REJECTION, DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED};
	if (!has_context(p, c->id)) {
		if (p->context_count == MAX_CONTEXTS)
			return (struct dcerpc_result){DCERPC_PROVIDER_REJECTION, DCERPC_LOCAL_LIMIT_EXCEEDED};
		p->contexts[p->context_count++] = c->id;
	}
	return (struct dcerpc_result){DCERPC_ACCEPTANCE, DCERPC_REASON_NONE, dcerpc_ndr20};
}

static void send_ack(
	struct rpc_pipe *p, const struct dcerpc_header *h, const struct dcerpc_bind *b, bool is_bind)
{
	uint8_t buf[MAX_CONTROL_PDU];
	struct wr w = wr_over(buf, sizeof(buf));
	struct rd contexts = rd_over(b->contexts);
	const char *address = p->service->secondary_address;
	struct dcerpc_bind_ack ack = {.max_xmit_frag = p->max_xmit, .max_recv_frag = p->max_recv,
		.assoc_group_id = p->assoc_group, .result_count = b->context_count};
	struct dcerpc_context c;

	/* [C706] 12.6.4.2: alter_context_resp leaves the secondary address empty */
	if (is_bind)
		ack.secondary_address = BYTES(address, strlen(address) + 1);
	for (unsigned i = 0; i < b->context_count; i++)
		if (dcerpc_context_decode(&contexts, &c))
			ack.results[i] = judge_context(p, &c);
	dcerpc_pdu_begin(&w, is_bind ? DCERPC_BIND_ACK : DCERPC_ALTER_CONTEXT_RESP,
		DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG, h->call_id);
	dcerpc_bind_ack_encode(&w, &ack);
	dcerpc_pdu_end(&w);
	queue_pdu(p, &w);
}

/* A size both ends can do: a multiple of 8, not below what [C706] 12.6.3.1 obliges everybody to take. */
static uint16_t agree_on_frag(uint16_t offered)
{
	uint16_t n = offered < MAX_FRAG ? offered : MAX_FRAG;

	return n < DCERPC_MUST_RECV_FRAG_SIZE ? DCERPC_MUST_RECV_FRAG_SIZE : n & ~7;
}

static void on_bind(struct rpc_pipe *p, const struct dcerpc_header *h, struct rd *body)
{
	struct dcerpc_bind b;

	if (h->foreign || p->bound || !dcerpc_bind_decode(body, &b)) {
		send_nak(p, h, DCERPC_NAK_NOT_SPECIFIED);
		return;
	}
	/* The SMB session has authenticated the user; no provider is on offer here, [MS-RPCE] 2.2.2.5. */
	if (h->auth_length) {
		send_nak(p, h, DCERPC_NAK_AUTHENTICATION_TYPE);
		return;
	}
	p->bound = true;
	p->max_xmit = agree_on_frag(b.max_recv_frag);
	p->max_recv = agree_on_frag(b.max_xmit_frag);
	p->assoc_group = b.assoc_group_id ? b.assoc_group_id : ((uint32_t)random_u64() | 1);
	send_ack(p, h, &b, true);
}

static void on_alter_context(struct rpc_pipe *p, const struct dcerpc_header *h, struct rd *body)
{
	struct dcerpc_bind b;

	if (h->foreign || !p->bound || !dcerpc_bind_decode(body, &b))
		protocol_error(p, h);
	else if (h->auth_length)
		send_fault(p, h->call_id, 0, DCERPC_FAULT_ACCESS_DENIED);
	else
		send_ack(p, h, &b, false);
}

static void send_response(struct rpc_pipe *p, struct bytes stub)
{
	size_t max = ((size_t)p->max_xmit - DCERPC_RESPONSE_OVERHEAD) & ~(size_t)7;
	uint8_t buf[MAX_FRAG];
	uint8_t flags = DCERPC_FIRST_FRAG;

	do {
		struct wr w = wr_over(buf, sizeof(buf));
		size_t n = stub.len < max ? stub.len : max;
		struct dcerpc_response rsp = {.alloc_hint = (uint32_t)stub.len,
			.context_id = p->context_id, .stub = BYTES(stub.data, n)};

		if (n == stub.len)
			flags |= DCERPC_LAST_FRAG;
		dcerpc_pdu_begin(&w, DCERPC_RESPONSE, flags, p->first.call_id);
		dcerpc_response_encode(&w, &rsp);
		dcerpc_pdu_end(&w);
		queue_pdu(p, &w);
		stub = BYTES(stub.data + n, stub.len - n);
		flags = 0;
	} while (stub.len && !p->broken);
}

/* What a stub of n bytes takes in the queue when cut into fragments. */
static size_t queue_cost(const struct rpc_pipe *p, size_t n)
{
	size_t per_fragment = DCERPC_RESPONSE_OVERHEAD + QUEUE_OVERHEAD;

	return n + (n / (p->max_xmit - DCERPC_RESPONSE_OVERHEAD - 7) + 1) * per_fragment;
}

/* Runs the operation with a buffer that grows until the response fits or is too big for the queue. */
static uint32_t run_operation(struct rpc_pipe *p, rpc_op op, TALLOC_CTX *mem, struct bytes *out)
{
	for (size_t cap = FIRST_OUTPUT; queue_cost(p, cap) <= queue_room(p); cap *= 4) {
		struct rpc_call call = {.mem = mem, .env = &p->env, .in = BYTES(p->stub, p->stub_len)};
		uint8_t *buf = talloc_size(mem, cap);
		uint32_t fault;

		if (!buf)
			return DCERPC_FAULT_REMOTE_NO_MEMORY;
		call.out = wr_over(buf, cap);
		fault = op(&call);
		if (fault)
			return fault;
		if (!call.out.bad) {
			*out = BYTES(buf, call.out.pos);
			return 0;
		}
		talloc_free_children(mem);
	}
	return DCERPC_FAULT_OUT_ARGS_TOO_BIG;
}

static uint32_t dispatch(struct rpc_pipe *p, TALLOC_CTX *mem, struct bytes *out)
{
	if (!has_context(p, p->context_id))
		return DCERPC_FAULT_UNK_IF;
	if (p->opnum >= p->service->op_count || !p->service->ops[p->opnum])
		return DCERPC_FAULT_OP_RNG_ERROR;
	return run_operation(p, p->service->ops[p->opnum], mem, out);
}

static void drop_request(struct rpc_pipe *p)
{
	TALLOC_FREE(p->stub);
	p->stub_len = 0;
	p->assembling = false;
}

static void answer_request(struct rpc_pipe *p)
{
	TALLOC_CTX *mem = talloc_new(p);
	struct bytes out = BYTES(NULL, 0);
	uint32_t fault = mem ? dispatch(p, mem, &out) : DCERPC_FAULT_REMOTE_NO_MEMORY;

	/* [C706] 12.6.3.1: the caller of a "maybe" operation waits for no answer */
	if (!(p->first.flags & DCERPC_MAYBE)) {
		if (fault)
			send_fault(p, p->first.call_id, p->context_id, fault);
		else
			send_response(p, out);
	}
	talloc_free(mem);
	drop_request(p);
}

static bool append_stub(struct rpc_pipe *p, struct bytes part)
{
	if (part.len > RPC_MAX_INPUT - p->stub_len)
		return false;
	if (part.len == 0)
		return true;
	uint8_t *stub = talloc_realloc(p, p->stub, uint8_t, p->stub_len + part.len);
	if (!stub)
		return false;
	memcpy(stub + p->stub_len, part.data, part.len);
	p->stub = stub;
	p->stub_len += part.len;
	return true;
}

/* The first fragment begins a call; the others must belong to it: no concurrent calls on one pipe. */
static bool fits_sequence(struct rpc_pipe *p, const struct dcerpc_header *h, const struct dcerpc_request *q)
{
	if (!(h->flags & DCERPC_FIRST_FRAG))
		return p->assembling && p->first.call_id == h->call_id && p->context_id == q->context_id;
	if (p->assembling)
		return false;
	p->assembling = true;
	p->first = *h;
	p->context_id = q->context_id;
	p->opnum = q->opnum;
	return true;
}

static void on_request(struct rpc_pipe *p, const struct dcerpc_header *h, struct rd *body)
{
	struct dcerpc_request q;

	if (h->foreign || !p->bound || h->frag_length > p->max_recv ||
		!dcerpc_request_decode(body, h->flags, &q) || !fits_sequence(p, h, &q)) {
		protocol_error(p, h);
		return;
	}
	if (h->auth_length) {
		send_fault(p, h->call_id, q.context_id, DCERPC_FAULT_ACCESS_DENIED);
		drop_request(p);
		return;
	}
	if (!append_stub(p, q.stub)) {
		send_fault(p, h->call_id, q.context_id, DCERPC_FAULT_REMOTE_NO_MEMORY);
		p->broken = true;
		return;
	}
	if (h->flags & DCERPC_LAST_FRAG)
		answer_request(p);
}

static void on_orphaned(struct rpc_pipe *p, const struct dcerpc_header *h, struct rd *body)
{
	if (p->assembling && p->first.call_id == h->call_id)
		drop_request(p);
}

/* A cancel finds nothing to do: a complete call has been answered. AUTH3 ends a handshake never begun. */
static void on_ignored(struct rpc_pipe *p, const struct dcerpc_header *h, struct rd *body)
{
}

static const struct {
	uint8_t type;
	void (*handle)(struct rpc_pipe *p, const struct dcerpc_header *h, struct rd *body);
} handlers[] = {
	{DCERPC_REQUEST, on_request},
	{DCERPC_BIND, on_bind},
	{DCERPC_ALTER_CONTEXT, on_alter_context},
	{DCERPC_AUTH3, on_ignored},
	{DCERPC_CO_CANCEL, on_ignored},
	{DCERPC_ORPHANED, on_orphaned},
};

static void handle_pdu(struct rpc_pipe *p, const struct dcerpc_header *h, struct bytes pdu)
{
	struct rd body;

	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].type == h->type && dcerpc_body(pdu, h, &body)) {
			handlers[i].handle(p, h, &body);
			return;
		}
	protocol_error(p, h);
}

/* Takes whole PDUs off the front of the input. */
static void handle_input(struct rpc_pipe *p)
{
	size_t used = 0;

	while (!p->broken && p->in_len - used >= DCERPC_HEADER_SIZE) {
		struct bytes rest = BYTES(p->in + used, p->in_len - used);
		struct rd r = rd_over(rest);
		struct dcerpc_header h;

		if (!dcerpc_header_decode(&r, &h)) {
			protocol_error(p, &h);
			break;
		}
		if (h.frag_length > rest.len)
			break;
		handle_pdu(p, &h, BYTES(rest.data, h.frag_length));
		used += h.frag_length;
	}
	p->in_len -= used;
	if (p->in_len)
		memmove(p->in, p->in + used, p->in_len);
	else
		TALLOC_FREE(p->in);
}

ntstatus_t rpc_pipe_write(struct rpc_pipe *p, struct bytes data)
{
	uint8_t *in;

	if (p->broken)
		return STATUS_PIPE_BROKEN;
	if (data.len == 0)
		return STATUS_SUCCESS;
	if (data.len > RPC_MAX_INPUT - p->in_len)
		return STATUS_INSUFF_SERVER_RESOURCES;
	in = talloc_realloc(p, p->in, uint8_t, p->in_len + data.len);
	if (!in)
		return STATUS_INSUFF_SERVER_RESOURCES;
	memcpy(in + p->in_len, data.data, data.len);
	p->in = in;
	p->in_len += data.len;
	handle_input(p);
	return STATUS_SUCCESS;
}

static struct queued_pdu *head(const struct rpc_pipe *p)
{
	return list_empty(&p->queue) ? NULL : container_of(p->queue.next, struct queued_pdu, link);
}

size_t rpc_pipe_pending(const struct rpc_pipe *p)
{
	const struct queued_pdu *q = head(p);

	return q ? q->len - q->pos : 0;
}

ntstatus_t rpc_pipe_read(struct rpc_pipe *p, void *buf, size_t cap, size_t *got)
{
	struct queued_pdu *q = head(p);
	size_t n = rpc_pipe_pending(p);

	*got = 0;
	if (!q)
		return p->broken ? STATUS_PIPE_BROKEN : STATUS_PIPE_EMPTY;
	if (n > cap)
		n = cap;
	if (n)
		memcpy(buf, q->data + q->pos, n);
	*got = n;
	q->pos += n;
	if (q->pos < q->len)
		return STATUS_BUFFER_OVERFLOW;
	list_remove(&q->link);
	p->queued -= q->len + QUEUE_OVERHEAD;
	talloc_free(q);
	return STATUS_SUCCESS;
}
