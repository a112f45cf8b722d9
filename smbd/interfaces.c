/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/interfaces.h"

#include "conf/hosts.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a link without a known speed is taken for: 1 Gbit/s. */
static const uint64_t DEFAULT_SPEED = 1000000000ull;

static uint64_t speed_of(const char *name)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/sys/class/net/%s/speed", name);
	FILE *f = fopen(path, "re");
	if (!f)
		return DEFAULT_SPEED;
	long mbit = fgets(text, sizeof(text), f) ? strtol(text, NULL, 10) : 0;
	fclose(f);
	return mbit > 0 ? (uint64_t)mbit * 1000000u : DEFAULT_SPEED;
}

/* A word of `interfaces`: a name with wildcards, an address, or an address with a mask; options behind ';' are dropped. */
static bool word_selects(const char *word, const char *name, const char *address)
{
	char plain[128];
	size_t n = strcspn(word, ";");

	if (n >= sizeof(plain))
		return false;
	memcpy(plain, word, n);
	plain[n] = '\0';
	if (fnmatch(plain, name, 0) == 0)
		return true;
	const char *allow[] = {plain, NULL}, *deny[] = {"ALL", NULL};
	return conf_host_word(plain) == CONF_HOST_ADDRESS && conf_hosts_allowed(allow, deny, address, NULL);
}

static bool selected(const char *const *words, const char *name, const char *address)
{
	if (!*words)
		return true;
	for (; *words; words++)
		if (word_selects(*words, name, address))
			return true;
	return false;
}

static bool fill(struct interface_address *out, const struct ifaddrs *i, char text[INET6_ADDRSTRLEN])
{
	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
		return false;
	*out = (struct interface_address){.name = i->ifa_name, .index = if_nametoindex(i->ifa_name)};
	if (i->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)i->ifa_addr;
		memcpy(out->address, &in->sin_addr, sizeof(in->sin_addr));
	} else if (i->ifa_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
		out->ipv6 = true;
		memcpy(out->address, &in6->sin6_addr, sizeof(in6->sin6_addr));
		out->scope_id = in6->sin6_scope_id;
	} else {
		return false;
	}
	out->link_speed = speed_of(i->ifa_name);
	return inet_ntop(i->ifa_addr->sa_family, out->address, text, INET6_ADDRSTRLEN);
}

bool interfaces_walk(const struct conf *conf, bool (*fn)(void *arg, const struct interface_address *a), void *arg)
{
	const char *const *words = conf_list(conf_global(conf), P_INTERFACES);
	struct ifaddrs *all;
	bool ok = true;

	if (getifaddrs(&all) < 0)
		return false;
	for (struct ifaddrs *i = all; i && ok; i = i->ifa_next) {
		struct interface_address a;
		char text[INET6_ADDRSTRLEN];
		if (fill(&a, i, text) && selected(words, a.name, text))
			ok = fn(arg, &a);
	}
	freeifaddrs(all);
	return ok;
}
