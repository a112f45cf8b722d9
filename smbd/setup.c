/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/setup.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "smbd/grant.h"
#include "smbd/node.h"
#include "smbd/iobuf.h"
#include "smbd/oplock.h"
#include "smbd/share.h"
#include "smbd/share_cache.h"
#include "wire/smb2.h"

#include <ctype.h>
#include <limits.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct algorithm {
	const char *name;
	uint16_t id;
};

static const struct algorithm ciphers[] = {
	{"AES-128-GCM", SMB2_CIPHER_AES128_GCM},
	{"AES-128-CCM", SMB2_CIPHER_AES128_CCM},
	{"AES-256-GCM", SMB2_CIPHER_AES256_GCM},
	{"AES-256-CCM", SMB2_CIPHER_AES256_CCM},
};
static const struct algorithm signings[] = {
	{"AES-128-GMAC", SMB2_SIGNING_AES_GMAC},
	{"AES-128-CMAC", SMB2_SIGNING_AES_CMAC},
	{"HMAC-SHA256", SMB2_SIGNING_HMAC_SHA256},
};

/* A list as smb.conf writes it: names in order of preference, "-NAME" takes one of the default out. */
static void read_algorithms(struct u16_list *out, const char *const *words, const struct algorithm *known, size_t n)
{
	bool minus = words[0] && words[0][0] == '-';

	out->count = 0;
	if (!words[0] || minus)
		for (size_t i = 0; i < n; i++)
			out->v[out->count++] = known[i].id;
	for (; *words; words++) {
		const char *name = *words + strspn(*words, "-+");
		for (size_t i = 0; i < n; i++) {
			if (strcasecmp(name, known[i].name) != 0)
				continue;
			if (!minus && out->count < NEG_LIST_MAX)
				out->v[out->count++] = known[i].id;
			for (uint16_t k = 0; minus && k < out->count; k++)
				if (out->v[k] == known[i].id)
					memmove(&out->v[k], &out->v[k + 1], (size_t)(--out->count - k) * sizeof(out->v[0]));
		}
	}
}

static char *upper_host_name(TALLOC_CTX *mem)
{
	enum { NETBIOS_MAX = 15 };
	char host[HOST_NAME_MAX + 1] = "";

	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	if (!*host)
		return talloc_strdup(mem, "DAXSMBD");
	char *name = talloc_strndup(mem, host, NETBIOS_MAX);
	for (char *p = name; p && *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return name;
}

static void read_policy(struct server *s, const struct conf_section *g)
{
	const char *netbios = conf_str(g, P_NETBIOS_NAME), *map = conf_str(g, P_USERNAME_MAP);
	char host[HOST_NAME_MAX + 1] = "localhost";

	gethostname(host, sizeof(host) - 1);
	s->policy = (struct auth_policy){
		.netbios_name = *netbios ? netbios : upper_host_name(s),
		.dns_name = talloc_strdup(s, host),
		.workgroup = conf_str(g, P_WORKGROUP),
		.smbpasswd_path = conf_smbpasswd_path(s->conf),
		.guest_account = conf_str(g, P_GUEST_ACCOUNT),
		.map_to_guest = (enum map_to_guest)conf_int(g, P_MAP_TO_GUEST),
		.allow_anonymous = conf_int(g, P_RESTRICT_ANONYMOUS) < 2,
		.username_map_path = *map ? map : NULL,
	};
	struct conf_vars vars = {.server_name = s->policy.netbios_name};
	s->comment = conf_expand(s, conf_str(g, P_SERVER_STRING), &vars);
}

static void read_protocol(struct server *s, const struct conf_section *g)
{
	int64_t encrypt = conf_int(g, P_SMB_ENCRYPT);

	s->min_dialect = (uint16_t)conf_int(g, P_SERVER_MIN_PROTOCOL);
	s->max_dialect = (uint16_t)conf_int(g, P_SERVER_MAX_PROTOCOL);
	read_algorithms(&s->ciphers, conf_list(g, P_SERVER_SMB3_ENCRYPTION_ALGORITHMS), ciphers, ARRAY_SIZE(ciphers));
	read_algorithms(&s->signing, conf_list(g, P_SERVER_SMB3_SIGNING_ALGORITHMS), signings, ARRAY_SIZE(signings));
	s->signing_required = conf_int(g, P_SERVER_SIGNING) == CONF_SIGNING_MANDATORY;
	s->encryption_offered = encrypt != CONF_ENCRYPT_OFF;
	s->encryption_desired = encrypt == CONF_ENCRYPT_DESIRED || encrypt == CONF_ENCRYPT_REQUIRED;
	s->encryption_required = encrypt == CONF_ENCRYPT_REQUIRED;
	s->multi_channel = conf_bool(g, P_SERVER_MULTI_CHANNEL_SUPPORT);
	s->leasing = conf_bool(g, P_SMB2_LEASES);
	s->rdma_crc = conf_bool(g, P_RDMA_CRC);
	s->max_read = (uint32_t)conf_int(g, P_SMB2_MAX_READ);
	s->max_write = (uint32_t)conf_int(g, P_SMB2_MAX_WRITE);
	s->max_transact = (uint32_t)conf_int(g, P_SMB2_MAX_TRANS);
	s->max_credits = (uint32_t)conf_int(g, P_SMB2_MAX_CREDITS);
}

static void read_limits(struct server *s, const struct conf_section *g)
{
	enum { CONNECTIONS = 16384 };

	s->max_connections = CONNECTIONS;
	s->max_unauthenticated = (uint32_t)conf_int(g, P_MAX_UNAUTHENTICATED);
	s->max_per_address = (uint32_t)conf_int(g, P_MAX_PER_ADDRESS);
	s->max_session_opens = (uint32_t)conf_int(g, P_MAX_SESSION_OPENS);
	s->max_opens = (uint32_t)conf_int(g, P_MAX_OPEN_FILES);
	s->connection_memory = (size_t)conf_int(g, P_CONNECTION_MEMORY);
	s->auth_timeout = (unsigned)conf_int(g, P_AUTH_TIMEOUT);
	s->deadtime = (unsigned)conf_int(g, P_DEADTIME) * 60;
	s->shutdown_timeout = (unsigned)conf_int(g, P_SHUTDOWN_TIMEOUT);
}

static int server_destructor(struct server *s)
{
	settings_unref(s->settings);
	return 0;
}

struct server *server_new(TALLOC_CTX *mem, const struct conf *conf, const char *conf_path, const char **error)
{
	struct server *s = talloc_zero(mem, struct server);
	const struct conf_section *g = conf_global(conf);

	*error = "out of memory";
	if (!s)
		return NULL;
	talloc_set_destructor(s, server_destructor);
	s->conf = conf;
	s->settings = settings_new(conf, 0);
	s->conf_path = conf_path;
	s->privileged = geteuid() == 0;
	random_bytes(s->guid, sizeof(s->guid));
	s->start_time = nttime_now();
	read_policy(s, g);
	read_protocol(s, g);
	read_limits(s, g);
	s->throttle = auth_throttle_new(s);
	s->nodes = node_table_new(s);
	s->shares = share_cache_new(s);
	s->uses = share_uses_new(s);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	node_break_sink = oplock_send_break;
	node_watch_sink = grants_lease_breaks;
	if (s->policy.netbios_name && s->policy.smbpasswd_path && s->settings && s->throttle && s->nodes && s->shares && s->uses &&
		s->stop_fd >= 0)
		return s;
	talloc_free(s);
	return NULL;
}

/* ---- reactors ---- */

static void tick(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct local *l = priv;

	node_expire_breaks(l->server->nodes, clock_now_ns());
	if (vfs_act_as_process() == 0)
		log_rotate((uint64_t)conf_int(conf_global(l->settings->conf), P_MAX_LOG_SIZE) * 1024);
	tevent_add_timer(ev, l, tevent_timeval_current_ofs(1, 0), tick, l);
}

static void local_free(struct local *l)
{
	settings_unref(l->settings);
	talloc_free(l);
}

void *local_start(struct reactor *r, void *arg)
{
	struct local *l = talloc_zero(NULL, struct local);

	if (!l)
		return NULL;
	l->server = arg;
	l->settings = settings_ref(l->server->settings);
	l->reactor = r;
	l->ev = reactor_ev(r);
	l->conns = idtable_new(l, UINT32_MAX);
	l->sessions = idtable_new(l, UINT32_MAX);
	l->grants = idtable_new(l, UINT32_MAX);
	l->grant_stats = grant_stats_new(l);
	l->pool = iobuf_pool_new(l);
	l->scratch = talloc_array(l, uint8_t, SCRATCH_SIZE);
	if (!l->conns || !l->sessions || !l->grants || !l->grant_stats || !l->pool || !l->scratch) {
		local_free(l);
		return NULL;
	}
	if (reactor_index(r) == 0)
		tevent_add_timer(l->ev, l, tevent_timeval_current_ofs(1, 0), tick, l);
	return l;
}

void local_stop(struct reactor *r)
{
	local_free(reactor_user(r));
}
