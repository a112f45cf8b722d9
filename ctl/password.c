/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ctl/ctl.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool ctl_read_line(int fd, char *buf, size_t size)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t r = read(fd, &c, 1);
		if (r < 0 || (r == 0 && n == 0))
			return false;
		if (r == 0 || c == '\n')
			break;
		if (n == size - 1 || c == '\0')
			return false;
		buf[n++] = c;
	}
	buf[n] = '\0';
	return true;
}

enum { AGAIN_LONGEST = 1024 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/* The terminal without echo, until restored; a signal interrupts reading instead of leaving it so. */
struct quiet_terminal {
	int fd;
	struct termios before;
	struct sigaction old_int, old_term;
};

static bool quiet_begin(struct quiet_terminal *t)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct termios quiet;

	t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (t->fd < 0)
		return false;
	if (tcgetattr(t->fd, &t->before) < 0) {
		close(t->fd);
		return false;
	}
	sigaction(SIGINT, &sa, &t->old_int);
	sigaction(SIGTERM, &sa, &t->old_term);
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(t->fd, TCSAFLUSH, &quiet);
	return true;
}

static void quiet_end(struct quiet_terminal *t)
{
	tcsetattr(t->fd, TCSAFLUSH, &t->before);
	sigaction(SIGINT, &t->old_int, NULL);
	sigaction(SIGTERM, &t->old_term, NULL);
	close(t->fd);
	if (interrupted)
		raise(interrupted);
}

static bool prompt(const struct quiet_terminal *t, const char *text, const char *user, char *buf, size_t size)
{
	dprintf(t->fd, "%s for %s: ", text, user);
	bool ok = ctl_read_line(t->fd, buf, size);
	dprintf(t->fd, "\n");
	return ok;
}

bool ctl_ask_password(const char *user, char *buf, size_t size)
{
	struct quiet_terminal t;
	char again[AGAIN_LONGEST];
	bool read_ok, same;

	if (!quiet_begin(&t)) {
		ctl_fail("there is no terminal to ask for the password; give it as one line with --stdin");
		return false;
	}
	read_ok = prompt(&t, "Password", user, buf, size) &&
		  prompt(&t, "Once more", user, again, sizeof(again));
	quiet_end(&t);
	same = read_ok && strcmp(buf, again) == 0;
	explicit_bzero(again, sizeof(again));
	if (read_ok && !same)
		ctl_fail("the two passwords differ; nothing is changed");
	else if (same && !*buf)
		ctl_fail("an empty password cannot be used");
	else if (!read_ok)
		ctl_fail("no password was given");
	return same && *buf;
}
