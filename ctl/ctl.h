/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "conf/conf.h"

#include <stdio.h>

/* What a command sees. Commands return the exit status; argv[0] is the command's name. */
struct ctl {
	TALLOC_CTX *mem;
	const char *conf_path;
};

enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

int ctl_check(const struct ctl *ctl, int argc, char **argv);
int ctl_user(const struct ctl *ctl, int argc, char **argv);
int ctl_status(const struct ctl *ctl, int argc, char **argv);
int ctl_revoke(const struct ctl *ctl, int argc, char **argv);
int ctl_reload(const struct ctl *ctl, int argc, char **argv);
int ctl_stop(const struct ctl *ctl, int argc, char **argv);

/* "daxsmbctl: ..." on stderr; returns CTL_FAILED. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The configuration, its messages aside; NULL after having said why it cannot be read. */
struct conf *ctl_load(const struct ctl *ctl);

/* One line of at most size - 1 bytes without its end. False at end of file, on errors and if it does not fit.
 */
bool ctl_read_line(int fd, char *buf, size_t size);
/* Asks twice on the terminal without showing what is typed. False after having said why. */
bool ctl_ask_password(const char *user, char *buf, size_t size);

/*
 * The running daemon, by the unix socket in its pid directory. A connection carries one line and its answer;
 * the daemon closes it after the answer, or when it ends.
 */
struct ctl_daemon {
	int fd;    /* the connection */
	int pidfd; /* becomes readable when the daemon is gone; -1 if unknown */
};
/* 0 or -errno. */
int ctl_connect(const char *pid_directory, struct ctl_daemon *d);
void ctl_disconnect(struct ctl_daemon *d);
/* Sends the line and copies the answer to out. 0 or -errno. */
int ctl_request(const struct ctl_daemon *d, const char *line, FILE *out);
/* Waits until the process is gone: 0, -ETIMEDOUT, -errno. */
int ctl_wait_gone(const struct ctl_daemon *d, unsigned seconds);

#endif
