/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/control.h"

#include "core/log.h"
#include "smbd/grant.h"
#include "smbd/reload.h"
#include "smbd/status.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_MAX = 256, CLIENT_TIMEOUT_S = 2 };

/* ---- asking the reactors ---- */

struct question {
	struct message m;
	void (*fn)(struct local *l, void *arg);
	void *arg;
	sem_t *answered;
};

static void deliver_question(struct reactor *self, struct message *m)
{
	struct question *q = container_of(m, struct question, m);

	q->fn(reactor_user(self), q->arg);
	sem_post(q->answered);
}

void server_each_local(struct server *s, void (*fn)(struct local *l, void *arg), void *arg)
{
	sem_t answered;

	sem_init(&answered, 0, 0);
	for (unsigned i = 0; i < reactors_count(s->reactors); i++) {
		struct question q = {.m.deliver = deliver_question, .fn = fn, .arg = arg, .answered = &answered};
		reactor_post(reactors_get(s->reactors, i), &q.m);
		while (sem_wait(&answered) < 0 && errno == EINTR)
			;
	}
	sem_destroy(&answered);
}

/* ---- the socket ---- */

int control_open(TALLOC_CTX *mem, const struct server *s, char **path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	*path = talloc_asprintf(mem, "%s/daxsmbd.ctl", conf_str(conf_global(s->conf), P_PID_DIRECTORY));
	if (!*path || strlen(*path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, *path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(*path); /* the pid file's lock has shown that no other daemon uses it */
	mode_t old = umask(0177);
	int rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 8) < 0 ? -errno : fd;
	umask(old);
	if (rc < 0)
		close(fd);
	return rc;
}

static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static bool read_line(int fd, char line[REQUEST_MAX])
{
	size_t n = 0;

	while (n < REQUEST_MAX - 1) {
		ssize_t got = read(fd, line + n, REQUEST_MAX - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		line[n] = '\0';
		char *end = strchr(line, '\n');
		if (end) {
			*end = '\0';
			return true;
		}
	}
	return false;
}

static void write_all(int fd, const char *text)
{
	size_t left = text ? strlen(text) : 0;

	while (left) {
		ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

struct revocation {
	const char *share; /* NULL: all */
	unsigned count;
};

static void revoke_local(struct local *l, void *arg)
{
	struct revocation *v = arg;

	v->count += grants_end_local(l, v->share, GRANT_CAUSE_ADMIN);
}

static const char *answer_reload(TALLOC_CTX *mem, struct server *s)
{
	const char *no_log, *why = reload(mem, s, &no_log);

	if (why)
		return talloc_asprintf(mem, "error: %s\n", why);
	return no_log ? talloc_asprintf(mem, "warning: %s\n", no_log) : "reloaded\n";
}

void control_serve(struct server *s, int listen_fd)
{
	struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_S};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	char line[REQUEST_MAX];
	uint64_t one = 1;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!is_trusted(fd) || !read_line(fd, line)) {
		close(fd);
		return;
	}
	TALLOC_CTX *mem = talloc_new(NULL);
	if (strcmp(line, "status") == 0) {
		write_all(fd, status_text(mem, s));
	} else if (strcmp(line, "status json") == 0) {
		write_all(fd, status_json(mem, s));
	} else if (strcmp(line, "revoke") == 0 || strncmp(line, "revoke ", 7) == 0) {
		struct revocation v = {.share = line[6] ? line + 7 : NULL};
		server_each_local(s, revoke_local, &v);
		write_all(fd, talloc_asprintf(mem, "%u revoked\n", v.count));
	} else if (strcmp(line, "reload") == 0) {
		write_all(fd, answer_reload(mem, s));
	} else if (strcmp(line, "stop") == 0) {
		write_all(fd, "stopping\n");
		talloc_free(mem);
		if (write(s->stop_fd, &one, sizeof(one)) < 0)
			log_error(core, "the stop request was lost: %s", strerror(errno));
		return; /* fd stays open until the process ends */
	} else {
		write_all(fd, "error: unknown request\n");
	}
	talloc_free(mem);
	close(fd);
}
