/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"

#include "core/reactor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

static const char *const class_names[LOGC_COUNT] = {
#define X(name) #name,
	LOG_CLASSES(X)
#undef X
};

atomic_int log_threshold[LOGC_COUNT] = {
#define X(name) LOGL_WARNING,
	LOG_CLASSES(X)
#undef X
};

static atomic_int log_fd = STDERR_FILENO;
static char *log_path;
static pthread_mutex_t log_files = PTHREAD_MUTEX_INITIALIZER; /* opening and renaming; writing takes no lock */

static int open_file(const char *path)
{
	int fd = STDERR_FILENO;
	char *copy = path ? strdup(path) : NULL;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0) {
			int rc = -errno;
			free(copy);
			return rc;
		}
	}
	free(log_path);
	log_path = copy;
	/* Other threads may be writing: the number that they know must keep meaning an open file. */
	if (log_fd != STDERR_FILENO && fd != STDERR_FILENO) {
		dup3(fd, log_fd, O_CLOEXEC);
		close(fd);
	} else {
		log_fd = fd;
	}
	return 0;
}

int log_open(const char *path)
{
	pthread_mutex_lock(&log_files);
	int rc = open_file(path);
	pthread_mutex_unlock(&log_files);
	return rc;
}

static void rotate(uint64_t most_bytes)
{
	struct stat st;
	char old[PATH_MAX];

	if (!log_path || !most_bytes || fstat(log_fd, &st) < 0 || (uint64_t)st.st_size <= most_bytes)
		return;
	char *path = strdup(log_path);
	if (path && snprintf(old, sizeof(old), "%s.old", path) < (int)sizeof(old) && rename(path, old) == 0)
		open_file(path);
	free(path);
}

int log_descriptor(void)
{
	return log_fd;
}

void log_rotate(uint64_t most_bytes)
{
	pthread_mutex_lock(&log_files);
	rotate(most_bytes);
	pthread_mutex_unlock(&log_files);
}

static bool set_one(int out[LOGC_COUNT], const char *word, size_t len)
{
	const char *colon = memchr(word, ':', len);
	const char *number = colon ? colon + 1 : word;
	char *end;
	long level = strtol(number, &end, 10);

	if (end == number || end != word + len || level < 0 || level > 10)
		return false;
	for (int c = 0; c < LOGC_COUNT; c++) {
		bool named = colon && strlen(class_names[c]) == (size_t)(colon - word) &&
			     strncasecmp(class_names[c], word, (size_t)(colon - word)) == 0;
		if (!colon || named || (colon - word == 3 && strncasecmp(word, "all", 3) == 0))
			out[c] = (int)level;
	}
	return true;
}

bool log_set_levels(const char *text)
{
	int levels[LOGC_COUNT];

	for (int c = 0; c < LOGC_COUNT; c++)
		levels[c] = log_threshold[c];
	while (*text) {
		size_t len = strcspn(text, " \t,");
		if (len && !set_one(levels, text, len))
			return false;
		text += len + strspn(text + len, " \t,");
	}
	for (int c = 0; c < LOGC_COUNT; c++)
		log_threshold[c] = levels[c];
	return true;
}

static size_t put_time(char *line, size_t size)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	size_t n = strftime(line, size, "%Y-%m-%d %H:%M:%S", &tm);
	return n + (size_t)snprintf(line + n, size - n, ".%06ld", now.tv_nsec / 1000);
}

void log_write(enum log_class c, int level, const char *fmt, ...)
{
	static const char *const words[] = {"error", "warning", "notice", "info", "info"};
	char line[LINE_MAX_BYTES];
	int saved_errno = errno;
	size_t n = put_time(line, sizeof(line));
	struct reactor *r = reactor_current();
	va_list ap;

	n += (size_t)snprintf(line + n, sizeof(line) - n, " %-7s %s[%d]: ", level < 5 ? words[level] : "debug",
		class_names[c], r ? (int)reactor_index(r) : -1);
	va_start(ap, fmt);
	int m = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	size_t end = n + (m < 0 ? 0 : (size_t)m);
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	/* A peer chooses names that are logged: it must not be able to forge a line or drive a terminal. */
	for (size_t i = n; i < end; i++) {
		unsigned char ch = (unsigned char)line[i];
		bool c1 = i > n && ch >= 0x80 && ch <= 0x9F && (unsigned char)line[i - 1] == 0xC2; /* U+0080..U+009F */
		if (iscntrl(ch) || c1)
			line[i] = '?';
	}
	line[end++] = '\n';
	if (write(log_fd, line, end) < 0) {
		/* nowhere left to say so */
	}
	errno = saved_errno;
}
