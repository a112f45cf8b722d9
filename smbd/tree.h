/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_TREE_H
#define SMBD_TREE_H

#include "smbd/session.h"

/* Closes the tree's opens and frees it. */
void tree_disconnect(struct tree *t);

/* Ends an open as CLOSE does, deleting the file if that is due; for ends that nobody waits for. */
void open_end(struct open *o);

#endif
