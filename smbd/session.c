/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/session.h"

#include "core/clock.h"
#include "core/random.h"
#include "smbd/node.h"
#include "smbd/tree.h"

#include <gnutls/gnutls.h>

/* A session id is the reactor's index in the top byte and an id of that reactor's table below it. */
static const uint64_t TABLE_BITS = 0x00FFFFFFFFFFFFFFull;

static int session_destructor(struct session *s)
{
	idtable_remove(s->local->sessions, s->id & TABLE_BITS);
	vfs_cred_unref(s->cred);
	gnutls_memset(s->session_key, 0, sizeof(s->session_key));
	gnutls_memset(&s->keys, 0, sizeof(s->keys));
	atomic_fetch_sub(&s->local->server->stats.sessions, 1);
	return 0;
}

struct session *session_new(struct conn *c)
{
	struct local *l = c->local;
	struct session *s = talloc_zero(l, struct session);

	if (!s)
		return NULL;
	uint64_t id = idtable_add(l->sessions, s);
	s->opens = idtable_new(s, l->server->max_session_opens);
	if (!id || !s->opens) {
		idtable_remove(l->sessions, id);
		talloc_free(s);
		return NULL;
	}
	s->local = l;
	s->id = id | (uint64_t)reactor_index(l->reactor) << 56;
	s->dialect = c->dialect;
	s->cipher = c->cipher;
	s->signing_algorithm = c->signing_algorithm;
	memcpy(s->client_guid, c->client_guid, sizeof(s->client_guid));
	s->nonce = random_u64();
	s->next_tree_id = 1;
	s->start_time = nttime_now();
	list_init(&s->channels);
	list_init(&s->trees);
	atomic_fetch_add(&l->server->stats.sessions, 1);
	talloc_set_destructor(s, session_destructor);
	return s;
}

struct session *session_find(struct local *l, uint64_t id)
{
	if (id >> 56 != reactor_index(l->reactor))
		return NULL;
	return idtable_get(l->sessions, id & TABLE_BITS);
}

uint64_t session_next_nonce(struct session *s)
{
	return s->nonce++;
}

static void channel_release(struct channel *ch)
{
	list_remove(&ch->conn_link);
	list_remove(&ch->session_link);
	ch->session->channel_count--;
	talloc_free(ch);
}

void session_free(struct session *s)
{
	while (!list_empty(&s->trees))
		tree_disconnect(container_of(s->trees.next, struct tree, link));
	while (!list_empty(&s->channels))
		channel_release(container_of(s->channels.next, struct channel, session_link));
	talloc_free(s);
}

struct channel *channel_new(struct conn *c, struct session *s)
{
	struct channel *ch = talloc_zero(NULL, struct channel);

	if (!ch)
		return NULL;
	ch->conn = c;
	ch->session = s;
	memcpy(ch->preauth, c->preauth, sizeof(ch->preauth));
	list_append(&c->channels, &ch->conn_link);
	list_append(&s->channels, &ch->session_link);
	s->channel_count++;
	return ch;
}

struct channel *channel_find(struct conn *c, uint64_t session_id)
{
	LIST_FOREACH(item, &c->channels) {
		struct channel *ch = container_of(item, struct channel, conn_link);
		if (ch->session->id == session_id)
			return ch;
	}
	return NULL;
}

void channel_free(struct channel *ch)
{
	struct session *s = ch->session;

	channel_release(ch);
	if (list_empty(&s->channels))
		session_free(s);
}
