/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ctl/ctl.h"

#include "core/clock.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STOP_EXTRA_SECONDS = 20 }; /* beyond what the daemon gives requests under way */

static int peer_pidfd(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return -1;
	return pidfd_open(peer.pid, 0);
}

int ctl_connect(const char *pid_directory, struct ctl_daemon *d)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/daxsmbd.ctl", pid_directory);

	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return -errno;
	if (connect(d->fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		int error = errno;
		close(d->fd);
		return -error;
	}
	d->pidfd = peer_pidfd(d->fd);
	return 0;
}

void ctl_disconnect(struct ctl_daemon *d)
{
	close(d->fd);
	if (d->pidfd >= 0)
		close(d->pidfd);
}

int ctl_request(const struct ctl_daemon *d, const char *line, FILE *out)
{
	size_t len = strlen(line);
	char buf[4096];
	ssize_t n;

	while (len > 0) {
		n = send(d->fd, line, len, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		line += n;
		len -= (size_t)n;
	}
	while ((n = read(d->fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, out);
	return n < 0 && errno != ECONNRESET ? -errno : 0;
}

int ctl_wait_gone(const struct ctl_daemon *d, unsigned seconds)
{
	uint64_t end = clock_now_ns() + seconds * 1000000000ull;
	struct pollfd p = {.fd = d->pidfd, .events = POLLIN};

	if (d->pidfd < 0)
		return 0;
	for (;;) {
		uint64_t now = clock_now_ns();
		int r = poll(&p, 1, now < end ? (int)((end - now) / 1000000 + 1) : 0);
		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int connect_or_say(const struct ctl *ctl, const struct conf *c, struct ctl_daemon *d)
{
	const char *folder = conf_str(conf_global(c), P_PID_DIRECTORY);
	int r = ctl_connect(folder, d);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return ctl_fail("daxsmbd is not running (nobody answers at %s/daxsmbd.ctl, named by %s)",
			folder, ctl->conf_path);
	if (r < 0)
		return ctl_fail("%s/daxsmbd.ctl: %s", folder, strerror(-r));
	return CTL_OK;
}

static int ask(const struct ctl *ctl, const char *line, bool until_gone, FILE *out)
{
	struct conf *c = ctl_load(ctl);
	struct ctl_daemon d;

	if (!c || connect_or_say(ctl, c, &d) != CTL_OK)
		return CTL_FAILED;
	int r = ctl_request(&d, line, out);
	if (r == 0 && until_gone)
		r = ctl_wait_gone(
			&d, (unsigned)conf_int(conf_global(c), P_SHUTDOWN_TIMEOUT) + STOP_EXTRA_SECONDS);
	ctl_disconnect(&d);
	if (r == -ETIMEDOUT)
		return ctl_fail("daxsmbd is still running");
	if (r < 0)
		return ctl_fail("daxsmbd does not answer: %s", strerror(-r));
	return fflush(out) == 0 ? CTL_OK : CTL_FAILED;
}

int ctl_status(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	const char *line = "status\n";
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o != 'j')
			return CTL_USAGE;
		line = "status json\n";
	}
	return optind == argc ? ask(ctl, line, false, stdout) : CTL_USAGE;
}

int ctl_revoke(const struct ctl *ctl, int argc, char **argv)
{
	const char *line = argc == 2 ? talloc_asprintf(ctl->mem, "revoke %s\n", argv[1]) : "revoke\n";

	return argc <= 2 && line ? ask(ctl, line, false, stdout) : CTL_USAGE;
}

/* The answer is one line: "reloaded", or "warning: " and what of the log does not hold, or "error: " and why nothing does. */
int ctl_reload(const struct ctl *ctl, int argc, char **argv)
{
	char answer[4096] = "";
	FILE *out = fmemopen(answer, sizeof(answer), "w");
	int status = argc == 1 && out ? ask(ctl, "reload\n", false, out) : CTL_USAGE;

	if (out)
		fclose(out);
	if (status == CTL_OK && strcmp(answer, "reloaded\n") != 0) {
		answer[strcspn(answer, "\n")] = '\0';
		if (strncmp(answer, "warning: ", 9) == 0)
			return ctl_fail("the configuration has been read again, but %s", answer + 9);
		return ctl_fail("the old configuration stays: %s", strncmp(answer, "error: ", 7) == 0 ? answer + 7 : answer);
	}
	return status;
}

int ctl_stop(const struct ctl *ctl, int argc, char **argv)
{
	return argc == 1 ? ask(ctl, "stop\n", true, stdout) : CTL_USAGE;
}
