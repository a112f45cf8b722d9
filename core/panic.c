/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/panic.h"

#include "core/log.h"

#include <execinfo.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

void panic_install(void)
{
}

#else

enum { FRAMES = 48 };

static const struct {
	int number;
	const char *text;
} fatal[] = {
	{SIGSEGV, "daxsmbd: panic: SIGSEGV, no such memory\n"},
	{SIGBUS, "daxsmbd: panic: SIGBUS, memory that cannot be had\n"},
	{SIGFPE, "daxsmbd: panic: SIGFPE, arithmetic\n"},
	{SIGILL, "daxsmbd: panic: SIGILL, no such instruction\n"},
	{SIGABRT, "daxsmbd: panic: SIGABRT, abandoned\n"},
};

static void report(int fd, int number)
{
	void *frames[FRAMES];

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (fatal[i].number == number && write(fd, fatal[i].text, strlen(fatal[i].text)) < 0)
			return;
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES), fd);
}

/* Only what is safe in a handler, signal-safety(7); the default action follows: the handler is taken off (SA_RESETHAND). */
static void on_fatal(int number)
{
	report(STDERR_FILENO, number);
	if (log_descriptor() != STDERR_FILENO)
		report(log_descriptor(), number);
	raise(number);
}

void panic_install(void)
{
	struct sigaction a = {.sa_handler = on_fatal, .sa_flags = SA_RESETHAND | SA_NODEFER};
	void *frame;

	backtrace(&frame, 1); /* loads what it needs now: in the handler that would allocate memory */
	sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i].number, &a, NULL);
}

#endif
