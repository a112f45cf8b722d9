/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/rpc.h"
#include "wire/dcerpc.h"
#include "wire/srvsvc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte: pipe, administrator or not, size of the reads, whether every write is followed by reads.
 * Then writes, each a 16-bit length and that many bytes. Whatever is written: answers are PDUs, a broken pipe
 * stays broken, memory is bounded.
 */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool share_at(void *arg, size_t i, struct rpc_share *out)
{
	static const struct rpc_share shares[] = {
		{.name = "data", .comment = "A share of data", .path = "/srv/data", .max_users = 9},
		{.name = "hidden", .comment = "\xFF", .path = "/srv/hidden", .hidden = true},
		{.name = "IPC$", .comment = "", .path = "/", .type = STYPE_IPC | STYPE_SPECIAL},
	};

	if (i >= ARRAY_SIZE(shares))
		return false;
	*out = shares[i];
	return true;
}

/* Reads one PDU, in parts of `part` bytes. False when nothing was pending. */
static bool read_pdu(struct rpc_pipe *p, size_t part)
{
	uint8_t buf[UINT16_MAX];
	size_t n = 0, got, pending = rpc_pipe_pending(p);
	struct dcerpc_header h;
	ntstatus_t status;

	do {
		status = rpc_pipe_read(p, buf + n, part < sizeof(buf) - n ? part : sizeof(buf) - n, &got);
		n += got;
	} while (status == (ntstatus_t)STATUS_BUFFER_OVERFLOW);
	if (status != STATUS_SUCCESS) {
		must(pending == 0 && n == 0);
		return false;
	}
	struct rd r = rd_over(BYTES(buf, n));
	must(n == pending && dcerpc_header_decode(&r, &h) && h.frag_length == n && !h.foreign);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_env env = {.server_name = "SRV",
		.workgroup = "GROUP",
		.server_comment = "a server",
		.share_at = share_at};
	uint8_t how = size ? data[0] : 0;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct rpc_pipe *p;
	struct rd r = rd_over(BYTES(data, size));
	ntstatus_t status = STATUS_SUCCESS;

	env.user_is_admin = how & 2;
	p = rpc_pipe_open(mem, how & 1 ? "wkssvc" : "srvsvc", &env);
	rd_skip(&r, 1);
	while (rd_left(&r)) {
		size_t n = rd_u16(&r);
		ntstatus_t before = status;

		status = rpc_pipe_write(p, rd_bytes(&r, n < rd_left(&r) ? n : rd_left(&r)));
		must(before == STATUS_SUCCESS || status == before);
		must(talloc_total_size(mem) < 2 * (RPC_MAX_INPUT + RPC_MAX_OUTPUT));
		while ((how & 4) && read_pdu(p, (how >> 3) + 1u))
			;
	}
	while (read_pdu(p, UINT16_MAX))
		;
	talloc_free(mem);
	return 0;
}
