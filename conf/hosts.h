/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CONF_HOSTS_H
#define CONF_HOSTS_H

#include <stdbool.h>

/*
 * `hosts allow` and `hosts deny`. A word is ALL, LOCAL, localhost, EXCEPT (what follows does not belong), an
 * address, "192.168." (its beginning), 10.0.0.0/8 or /255.0.0.0, fe80::/10, a host name or .domain. Pure; any
 * thread.
 */

/*
 * May a client come in? Lists are NULL-terminated, as conf_list gives them. addr is its address as text
 * (IPv4, IPv6, IPv4 mapped into IPv6, with or without a %zone); name is its host name or NULL. allow goes
 * before deny; with allow alone all others are denied; loopback is denied only where deny matches it and
 * allow does not. An address that cannot be read is denied unless both lists are empty.
 */
bool conf_hosts_allowed(
	const char *const *allow, const char *const *deny, const char *addr, const char *name);

/* What a word is: names need a look-up of the client's name, and netgroups are not supported. */
enum conf_host_word {
	CONF_HOST_ADDRESS,
	CONF_HOST_KEYWORD,
	CONF_HOST_NAME,
	CONF_HOST_NETGROUP,
	CONF_HOST_INVALID
};
enum conf_host_word conf_host_word(const char *word);

#endif
