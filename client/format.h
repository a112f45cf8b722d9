/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_FORMAT_H
#define CLIENT_FORMAT_H

#include <stdint.h>
#include <stdio.h>

enum { ATTRIBUTES_TEXT = 8, TIME_TEXT = 32 };

/* "DRHSA--": directory, read-only, hidden, system, archive, reparse point, compressed. */
void client_format_attributes(uint32_t attributes, char out[ATTRIBUTES_TEXT]);
/* Local time; "-" for 0. */
void client_format_time(uint64_t nttime, char out[TIME_TEXT]);
/* A name from the server, with ? in place of control characters, which a terminal would obey. */
void client_format_name(FILE *to, const char *name);

#endif
