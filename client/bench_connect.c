/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The operation "connect": TCP, NEGOTIATE, log-on, TREE_CONNECT and disconnect, b->depth of them at a time.
 */
#include "client/bench.h"
#include "core/clock.h"

struct worker {
	struct bench *b;
	struct tevent_context *ev;
	struct daxsmb_conn *conn;
	struct daxsmb_session *session;
	uint64_t start_ns;
	bool *stop;
	unsigned *running;
};

static void worker_begin(struct worker *w);

static void worker_end(struct worker *w, ntstatus_t status)
{
	uint64_t now = clock_now_ns();

	TALLOC_FREE(w->conn);
	bench_count(w->b, w->start_ns, now, 0, !status_is_ok(status), status);
	*w->stop |= !bench_tick(w->b, now);
	/* A server that is not there would be asked for nothing but that. */
	*w->stop |= status == STATUS_CONNECTION_REFUSED;
	if (*w->stop)
		--*w->running;
	else
		worker_begin(w);
}

static void worker_tree(struct tevent_req *req)
{
	struct worker *w = tevent_req_callback_data_void(req);
	struct daxsmb_tree *tree;
	ntstatus_t status = daxsmb_tree_connect_recv(req, &tree);

	talloc_free(req);
	worker_end(w, status);
}

static void worker_session(struct tevent_req *req)
{
	struct worker *w = tevent_req_callback_data_void(req);
	ntstatus_t status = daxsmb_session_setup_recv(req, &w->session);

	talloc_free(req);
	req = status_is_ok(status) ? daxsmb_tree_connect_send(w, w->ev, w->session, w->b->cli->url.share)
				   : NULL;
	if (req)
		tevent_req_set_callback(req, worker_tree, w);
	else
		worker_end(w, status ? status : (ntstatus_t)STATUS_NO_MEMORY);
}

static void worker_connected(struct tevent_req *req)
{
	struct worker *w = tevent_req_callback_data_void(req);
	ntstatus_t status = daxsmb_connect_recv(req, w, &w->conn);

	talloc_free(req);
	req = status_is_ok(status) ? daxsmb_session_setup_send(w, w->ev, w->conn, &w->b->cli->options) : NULL;
	if (req)
		tevent_req_set_callback(req, worker_session, w);
	else
		worker_end(w, status ? status : (ntstatus_t)STATUS_NO_MEMORY);
}

static void worker_begin(struct worker *w)
{
	struct cli *cli = w->b->cli;
	struct tevent_req *req;

	w->start_ns = clock_now_ns();
	req = daxsmb_connect_send(w, w->ev, cli->url.host, cli->url.port, &cli->options);
	if (req) {
		tevent_req_set_callback(req, worker_connected, w);
	} else {
		*w->stop = true;
		--*w->running;
	}
}

static int run_connect(struct bench *b)
{
	struct worker *workers = talloc_zero_array(b, struct worker, b->depth);
	unsigned running = b->depth;
	bool stop = false;

	if (!workers)
		return CLI_FAILED;
	for (unsigned i = 0; i < b->depth; i++) {
		struct worker *w = talloc_zero(workers, struct worker);

		if (!w)
			return CLI_FAILED;
		*w = (struct worker){.b = b, .ev = b->cli->ev, .stop = &stop, .running = &running};
		worker_begin(w);
	}
	while (running && tevent_loop_once(b->cli->ev) == 0)
		;
	talloc_free(workers);
	return CLI_OK;
}

const struct bench_op bench_op_connect = {.name = "connect", .run = run_connect};
