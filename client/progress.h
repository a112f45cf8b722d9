/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* A line on stderr that is drawn over itself, where stderr is a terminal. */
struct progress {
	const char *label;
	uint64_t total; /* bytes; 0: not known */
	uint64_t done;
	uint64_t start_ns, drawn_ns;
	bool shown;
};

void progress_start(struct progress *p, const char *label, uint64_t total, bool quiet);
void progress_add(struct progress *p, uint64_t bytes);
void progress_end(struct progress *p);

#endif
