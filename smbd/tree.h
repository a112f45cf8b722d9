/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_TREE_H
#define SMBD_TREE_H

#include "smbd/node.h"
#include "smbd/session.h"

/* Closes the tree's opens and frees it. */
void tree_disconnect(struct tree *t);

/*
 * The configuration has been read again: from now on the tree's share is as it says there. What was found out when it was
 * connected stays: the folder, who acts, whether it may be written, encryption.
 */
void tree_adopt(struct tree *t, struct settings *settings);

/* Ends an open as CLOSE does, deleting the file if that is due; for ends that nobody waits for. */
void open_end(struct open *o);

/* Takes the open out of the node table. True: *doom (its path a child of o) is to be carried out, then node_deleted. */
bool open_leave_node(struct open *o, struct node_doom *doom);

/* Deletes the file, and drops the references. May block; any thread. */
void doom_carry_out(struct node_doom *d);

#endif
