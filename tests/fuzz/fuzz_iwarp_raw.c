/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fuzz/iwarp_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A peer of raw bytes. The first byte: bit 0 the engine is the initiator, 1 CRC, 2 the handshake is done for
 * it, 3 it is closed by its callbacks. Then pieces, each behind its length in one byte.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct peer p;
	struct rd r = rd_over(BYTES(data, size));
	uint8_t how = rd_u8(&r);

	memset(&p, 0, sizeof(p));
	peer_start(&p, how & 1, how & 2);
	p.close_in_callback = how & 8;
	if (how & 4)
		peer_shake_hands(&p);
	while (rd_left(&r) && p.conn && !p.ended) {
		size_t n = rd_u8(&r), left = rd_left(&r);
		struct bytes piece = rd_bytes(&r, n < left ? n : left);
		peer_put(&p, piece.data, piece.len);
	}
	peer_free(&p);
	return 0;
}
