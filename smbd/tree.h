/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_TREE_H
#define SMBD_TREE_H

#include "smbd/node.h"
#include "smbd/session.h"

/* Closes the tree's opens and frees it. */
void tree_disconnect(struct tree *t);

/* Ends an open as CLOSE does, deleting the file if that is due; for ends that nobody waits for. */
void open_end(struct open *o);

/* Takes the open out of the node table. True: *doom (its path a child of o) is to be carried out, then node_deleted. */
bool open_leave_node(struct open *o, struct node_doom *doom);

/* Deletes the file, and drops the references. May block; any thread. */
void doom_carry_out(struct node_doom *d);

#endif
