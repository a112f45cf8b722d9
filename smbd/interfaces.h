/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_INTERFACES_H
#define SMBD_INTERFACES_H

#include "conf/conf.h"

#include <sys/socket.h>

/* An address of this machine that smb.conf's `interfaces` selects (all, when it is not set). */
struct interface_address {
	const char *name;
	uint32_t index;
	bool ipv6;
	uint8_t address[16]; /* network order; the first 4 for IPv4 */
	uint32_t scope_id;
	uint64_t link_speed; /* bits per second */
};

/* Calls fn for each, until it returns false. False if stopped, or the addresses cannot be read. */
bool interfaces_walk(const struct conf *conf, bool (*fn)(void *arg, const struct interface_address *a), void *arg);

#endif
