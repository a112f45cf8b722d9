/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

/*
 * Each thread has a chain of guards, innermost first. The handler runs on the thread that touched the memory,
 * because SIGBUS of an access is synchronous, and jumps to its innermost guard. The signal is not blocked
 * meanwhile (SA_NODEFER), so that no mask needs to be saved and restored: that would be a system call per
 * access.
 */
struct guard {
	sigjmp_buf env;
	struct guard *outer;
};
static _Thread_local struct guard *volatile innermost;
static struct sigaction before;

/* Outside a guard, and where a signal was sent by somebody (si_code of sigaction(2)), it goes the way it went before. */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
	struct guard *g = innermost;

	if (g && info->si_code > 0) {
		innermost = g->outer;
		siglongjmp(g->env, 1);
	}
	sigaction(number, &before, NULL);
	if (info->si_code <= 0)
		raise(number);
	/* the access is repeated on return, and faults for good */
}

int fault_install(void)
{
	struct sigaction a = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK}, old;

	sigemptyset(&a.sa_mask);
	if (sigaction(SIGBUS, &a, &old) < 0)
		return -errno;
	if (!(old.sa_flags & SA_SIGINFO) || old.sa_sigaction != on_sigbus)
		before = old;
	return 0;
}

void fault_others(sigset_t *set)
{
	static const int raised[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

	sigfillset(set);
	for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++)
		sigdelset(set, raised[i]);
}

#ifdef __SANITIZE_THREAD__
enum { SAVE_MASK = 1 }; /* the sanitizer's own handler, which calls ours, blocks all signals */
#else
enum { SAVE_MASK = 0 };
#endif

int fault_run(void (*fn)(void *arg), void *arg)
{
	struct guard g;

	if (sigsetjmp(g.env, SAVE_MASK))
		return -EIO; /* the handler has taken the guard off the chain */
	g.outer = innermost;
	innermost = &g;
	fn(arg);
	innermost = g.outer;
	return 0;
}

struct copy {
	void *to;
	const void *from;
	size_t n;
};

#ifdef __SANITIZE_THREAD__
/* A file's bytes are anybody's at any time, which is no race of this program: the copy must not be looked at.
 */
__attribute__((no_sanitize("thread"), optimize("no-tree-loop-distribute-patterns"))) static void copy(
	void *arg)
{
	const struct copy *c = arg;
	const volatile unsigned char *from = c->from;
	volatile unsigned char *to = c->to;

	for (size_t i = 0; i < c->n; i++)
		to[i] = from[i];
}
#else
static void copy(void *arg)
{
	const struct copy *c = arg;

	if (c->n) /* of nothing, the pointers may be NULL */
		memcpy(c->to, c->from, c->n);
}
#endif

int fault_copy(void *to, const void *from, size_t n)
{
	struct copy c = {to, from, n};

	return fault_run(copy, &c);
}
