/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/mpa.h"
#include "rdma/rdmap.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
	if (!what)
		abort();
}

static void check_terms(const struct mpa_terms *agreed, const struct mpa_terms *want)
{
	must(agreed->ird >= 1 && agreed->ird <= want->ird);
	must(agreed->ord >= 1 && agreed->ord <= want->ord);
	must(agreed->crc || !want->crc);
	must(agreed->revision == MPA_REVISION_1 || agreed->revision == MPA_REVISION_2);
}

/* What is encoded decodes to the same. */
static void check_round_trip(const struct mpa_frame *f)
{
	uint8_t out[MPA_MAX_FRAME];
	struct wr w = wr_over(out, sizeof(out));
	struct mpa_frame again;

	mpa_encode(&w, f);
	must(!w.bad && mpa_frame_size(out, f->reply) == w.pos);
	struct rd r = rd_over(BYTES(out, w.pos));
	must(mpa_decode(&r, &again));
	must(again.revision == f->revision && again.crc == f->crc && again.reject == f->reject);
	must(again.markers == f->markers && again.enhanced == f->enhanced && again.rtr == f->rtr);
	must(!f->enhanced || (again.ird == f->ird && again.ord == f->ord));
	must(again.peer_to_peer == f->peer_to_peer);
	must(bytes_equal(again.private_data, f->private_data));
}

/* The first byte: what this side wants. Then a frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 + MPA_HEADER_SIZE)
		return 0;
	struct mpa_terms want = {
		.revision = data[0] & 1 ? 1 : 2, .crc = data[0] & 2, .ird = 1u << (data[0] >> 5), .ord = 16};
	struct rd r = rd_over(BYTES(data + 1, size - 1));
	uint8_t blob[MPA_SMBD_SIZE];
	struct mpa_terms agreed;
	struct mpa_frame f, reply;
	unsigned error;

	size_t length = mpa_frame_size(data + 1, false);
	must(length == 0 || (length >= MPA_HEADER_SIZE && length <= MPA_MAX_FRAME));
	if (!mpa_decode(&r, &f))
		return 0;
	check_round_trip(&f);
	if (f.reply) {
		if (!mpa_accept(&f, &want, &agreed, &error)) {
			must(!f.reject && !f.markers && error == 0);
			check_terms(&agreed, &want);
		}
		return 0;
	}
	bool refused = mpa_answer(&f, &want, blob, &reply, &agreed) != NULL;
	must(refused == reply.reject && !reply.markers);
	check_round_trip(&reply);
	check_terms(&agreed, &want);
	return 0;
}
