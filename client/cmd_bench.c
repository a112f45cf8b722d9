/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/bench.h"
#include "client/daxsmb_pmem.h"
#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	OPT_OP = 1000,
	OPT_SIZE,
	OPT_CONNECTIONS,
	OPT_SECONDS,
	OPT_WARM_UP,
	OPT_FILE_SIZE,
	OPT_HOLD,
	OPT_JSON,
	OPT_VERIFY,
	OPT_KEEP,
	OPT_MARKS,
	OPT_POLL
};
enum { BENCH_DEFAULT_DEPTH = 32, BENCH_CREDITS = 8192, MAX_CONNECTIONS = 100000, MAX_POLL_US = 1000000 };

/* The options; struct bench takes them over. */
struct bench_options {
	const char *op;
	uint64_t size, file_size;
	uint64_t connections, hold, poll_us;
	double seconds, warm_up;
	bool json, verify, keep, marks;
};

static bool take_seconds(const char *value, double *out)
{
	char *end;

	*out = strtod(value, &end);
	return end != value && !*end && *out >= 0 && *out <= 86400;
}

static bool take_option(struct cli *cli, int code, const char *value)
{
	struct bench_options *o = cli->extra;

	switch (code) {
	case OPT_OP:
		o->op = value;
		return bench_op_find(value) != NULL;
	case OPT_SIZE:
		return cli_size(value, &o->size) && o->size <= MAX_IO_SIZE;
	case OPT_FILE_SIZE:
		return cli_size(value, &o->file_size);
	case OPT_CONNECTIONS:
		return cli_size(value, &o->connections) && o->connections <= MAX_CONNECTIONS;
	case OPT_HOLD:
		return cli_size(value, &o->hold) && o->hold <= MAX_CONNECTIONS;
	case OPT_SECONDS:
		return take_seconds(value, &o->seconds);
	case OPT_WARM_UP:
		return take_seconds(value, &o->warm_up);
	case OPT_JSON:
		return o->json = true;
	case OPT_VERIFY:
		return o->verify = true;
	case OPT_KEEP:
		return o->keep = true;
	case OPT_MARKS:
		return o->marks = true;
	case OPT_POLL:
		return cli_size(value, &o->poll_us) && o->poll_us <= MAX_POLL_US;
	}
	return false;
}

static const struct option options[] = {
	{"op", required_argument, NULL, OPT_OP},
	{"size", required_argument, NULL, OPT_SIZE},
	{"connections", required_argument, NULL, OPT_CONNECTIONS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"warmup", required_argument, NULL, OPT_WARM_UP},
	{"filesize", required_argument, NULL, OPT_FILE_SIZE},
	{"hold", required_argument, NULL, OPT_HOLD},
	{"json", no_argument, NULL, OPT_JSON},
	{"verify", no_argument, NULL, OPT_VERIFY},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"marks", no_argument, NULL, OPT_MARKS},
	{"poll", required_argument, NULL, OPT_POLL},
	{0},
};

static struct bench *bench_new(struct cli *cli)
{
	const struct bench_options *o = cli->extra;
	struct bench *b = talloc_zero(cli, struct bench);

	if (!b)
		return NULL;
	b->cli = cli;
	b->op = bench_op_find(o->op ? o->op : "read");
	b->size = o->size ? o->size : 4096;
	b->file_size = o->file_size ? o->file_size : 64 << 20;
	if (b->file_size < b->size)
		b->file_size = b->size;
	b->depth = cli->depth ? cli->depth : BENCH_DEFAULT_DEPTH;
	b->connections = o->connections ? (unsigned)o->connections : 1;
	b->hold = (unsigned)o->hold;
	b->seconds = o->seconds > 0 ? o->seconds : 5;
	b->warm_up = o->warm_up;
	b->json = o->json;
	b->verify = o->verify;
	b->keep = o->keep;
	b->marks = o->marks;
	b->poll_us = (unsigned)o->poll_us;
	cli->options.credits = BENCH_CREDITS;
	return b;
}

struct figures {
	double seconds, rate, mbps, p50, p99, p999, cpu;
};

static struct figures compute(const struct bench *b)
{
	double seconds = (double)(b->end_ns - b->begin_ns) / 1e9;
	struct figures f = {.seconds = seconds > 0 ? seconds : 1e-9};

	f.rate = (double)b->done / f.seconds;
	f.mbps = (double)b->bytes / f.seconds / 1e6;
	f.p50 = (double)histogram_quantile(&b->latency, 0.5) / 1e3;
	f.p99 = (double)histogram_quantile(&b->latency, 0.99) / 1e3;
	f.p999 = (double)histogram_quantile(&b->latency, 0.999) / 1e3;
	f.cpu = b->done ? (double)b->cpu_ns / (double)b->done / 1e3 : 0;
	return f;
}

static void report_json(const struct bench *b, const struct figures *f)
{
	printf("{\"op\": \"%s\", \"size\": %llu, \"depth\": %u, \"connections\": %u, \"dialect\": \"%s\", "
	       "\"via\": \"%s\", ",
		b->op->name, (unsigned long long)b->size, b->depth, b->connections,
		daxsmb_dialect_name(daxsmb_conn_dialect(b->cli->m.conn)),
		b->cli->direct					      ? "direct"
		: b->cli->options.via == DAXSMB_VIA_SMBDIRECT ? "smbdirect"
							      : "tcp");
	printf("\"seconds\": %.3f, \"ops\": %llu, \"errors\": %llu, \"rate\": %.1f, \"mbps\": %.2f, ",
		f->seconds, (unsigned long long)b->done, (unsigned long long)b->errors, f->rate, f->mbps);
	if (b->cli->direct)
		printf("\"level\": \"%s\", \"guard\": \"%s\", ", daxsmb_durability_name(b->durability),
			daxsmb_guard_name(b->guard));
	printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"client_cpu_us_per_op\": %.3f}\n",
		f->p50, f->p99, f->p999, f->cpu);
}

static void report_text(const struct bench *b, const struct figures *f)
{
	printf("%s: %.0f operations/s", b->op->name, f->rate);
	if (b->op->moves)
		printf(", %.1f MB/s", f->mbps);
	printf(" (%llu in %.2f s)\n", (unsigned long long)b->done, f->seconds);
	printf("latency: p50 %.0f us, p99 %.0f us, p99.9 %.0f us\n", f->p50, f->p99, f->p999);
	printf("errors: %llu\n", (unsigned long long)b->errors);
	printf("own CPU: %.2f us/operation\n", f->cpu);
}

static int report(const struct bench *b)
{
	struct figures f = compute(b);

	(b->json ? report_json : report_text)(b, &f);
	if (b->errors)
		cli_error("bench: %llu operations failed, the first with %s", (unsigned long long)b->errors,
			cli_reason(b->first_error));
	else if (!b->done)
		cli_error("bench: the server did not finish a single operation");
	return b->done && !b->errors ? CLI_OK : CLI_FAILED;
}

static int run_op(struct bench *b)
{
	int code = b->op->run ? CLI_OK : bench_prepare(b);

	if (code == CLI_OK && b->cli->direct)
		return bench_pmem_run(b);
	if (code == CLI_OK && !b->op->run)
		code = bench_attach(b);
	if (code == CLI_OK) {
		b->begin_ns = clock_now_ns() + (uint64_t)(b->warm_up * 1e9);
		code = b->op->run ? b->op->run(b) : bench_loop(b);
	}
	bench_detach(b);
	return code;
}

static int run_bench(struct cli *cli)
{
	int code = cli_mount(cli, cli->argv[0]);
	struct bench *b;

	if (code)
		return code;
	b = bench_new(cli);
	if (!b)
		return cli_fail(cli, "", NULL, STATUS_NO_MEMORY);
	if (b->hold)
		return bench_hold(b);
	code = run_op(b);
	bench_clean(b);
	return code == CLI_OK ? report(b) : code;
}

const struct command command_bench = {
	.name = "bench",
	.operands = "URL",
	.summary = "load a server and measure it",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_bench,
	.options = options,
	.take = take_option,
	.extra_size = sizeof(struct bench_options),
	.options_help =
		"      --op=OP                read, write, commit (write and flush), stat, open, create, "
		"connect or list (default "
		"read)\n"
		"      --size=SIZE            bytes of a read or write (default 4k)\n"
		"      --depth=N              operations in flight on a connection (default 32)\n"
		"      --connections=N        (default 1)\n"
		"      --seconds=S            how long (default 5), after --warmup=S (default 0)\n"
		"      --filesize=SIZE        the file that is read or written (default 64M)\n"
		"      --verify               check the signatures of answers, and look at all of them\n"
		"      --keep                 take what is read into memory, as SMB Direct always does; else "
		"the "
		"kernel may drop it\n"
		"      --json                 one line for programs\n"
		"      --poll=US              by direct access: look so many microseconds for answers before "
		"sleeping (default 0)\n"
		"      --marks                lines \"begin\" and \"end\" around what is measured\n"
		"      --hold=N               N idle sessions until standard input ends, instead of a load\n",
};
