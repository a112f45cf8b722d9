/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MAX = 512 };

bool cli_credentials(struct cli *cli, char *arg)
{
	char *percent = strchr(arg, '%');
	size_t len = percent ? (size_t)(percent - arg) : strlen(arg);
	char *user = talloc_strndup(cli, arg, len);
	char *separator = user ? strpbrk(user, "\\/") : NULL;

	if (!user)
		return false;
	if (percent) {
		cli->options.password = talloc_strdup(cli, percent + 1);
		/* Others read command lines. */
		explicit_bzero(percent + 1, strlen(percent + 1));
	}
	cli->options.user = user;
	if (separator) {
		*separator = '\0';
		cli->options.domain = user;
		cli->options.user = separator + 1;
	}
	return *cli->options.user != '\0';
}

/* A line from the terminal, without echo. */
static bool read_hidden(int tty, char *buf, size_t size)
{
	struct termios old, quiet;
	size_t n = 0;
	char c = 0;

	if (tcgetattr(tty, &old))
		return false;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	while (n + 1 < size && read(tty, &c, 1) == 1 && c != '\n')
		buf[n++] = c;
	buf[n] = '\0';
	tcsetattr(tty, TCSAFLUSH, &old);
	dprintf(tty, "\n");
	return c == '\n';
}

static bool ask(struct cli *cli)
{
	char buf[PASSWORD_MAX];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (tty < 0) {
		cli_error("no password: give it as user%%password, in $PASSWD or on a terminal (or -N for "
			  "none)");
		return false;
	}
	dprintf(tty, "Password of %s: ", cli->options.user);
	ok = read_hidden(tty, buf, sizeof(buf));
	close(tty);
	if (ok)
		cli->options.password = talloc_strdup(cli, buf);
	explicit_bzero(buf, sizeof(buf));
	return ok && cli->options.password;
}

bool cli_password(struct cli *cli)
{
	if (cli->anonymous) {
		cli->options.user = cli->options.domain = cli->options.password = "";
		return true;
	}
	if (!cli->options.user)
		cli->options.user = getenv("USER") ?: getenv("LOGNAME");
	if (!cli->options.user || !*cli->options.user) {
		cli_error("no user: give one with -U, or -N for none");
		return false;
	}
	if (!cli->options.password)
		cli->options.password = getenv("PASSWD");
	return cli->options.password || ask(cli);
}
