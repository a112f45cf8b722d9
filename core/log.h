/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Names as `log level = 1 auth:3 smb:2` writes them. */
#define LOG_CLASSES(X) X(core) X(conf) X(auth) X(smb) X(vfs) X(rdma) X(audit) X(client)

enum log_class {
#define X(name) LOGC_##name,
	LOG_CLASSES(X)
#undef X
	LOGC_COUNT
};

/* smb.conf's numbers: 0 errors, 1 warnings and notices, 3 information, 5 and above debugging. */
enum log_level { LOGL_ERROR = 0, LOGL_WARNING = 1, LOGL_INFO = 3, LOGL_DEBUG = 5, LOGL_TRACE = 10 };

extern atomic_int log_threshold[LOGC_COUNT];

/* Where lines go. path NULL: stderr. Safe to call again (log rotation: SIGHUP). 0 or -errno. Any thread. */
int log_open(const char *path);

/* The descriptor that lines go to now. Safe in a signal handler. */
int log_descriptor(void);

/* Renames the log file to .old and begins a new one when it has grown beyond this. Any thread. */
void log_rotate(uint64_t most_bytes);

/* Sets levels from smb.conf's `log level` text; false and nothing changed if the text is malformed. */
bool log_set_levels(const char *text);

/* Writes one line with time, level, class and reactor. Any thread. Never give it a secret. */
void log_write(enum log_class c, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_at(cls, level, ...)                                                                               \
	do {                                                                                                  \
		if ((level) <= atomic_load_explicit(&log_threshold[LOGC_##cls], memory_order_relaxed))                                                     \
			log_write(LOGC_##cls, (level), __VA_ARGS__);                                          \
	} while (0)
#define log_error(cls, ...) log_at(cls, LOGL_ERROR, __VA_ARGS__)
#define log_warning(cls, ...) log_at(cls, LOGL_WARNING, __VA_ARGS__)
#define log_info(cls, ...) log_at(cls, LOGL_INFO, __VA_ARGS__)
#define log_debug(cls, ...) log_at(cls, LOGL_DEBUG, __VA_ARGS__)

#endif
