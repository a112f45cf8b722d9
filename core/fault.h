/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include <signal.h>
#include <stddef.h>

/*
 * Access to memory that is a mapped file. It may raise SIGBUS at any moment: the file was truncated by somebody else, its
 * file system is full, the medium is bad. Here that ends the access with -EIO and never the process. System calls need none
 * of this: they answer EFAULT for such memory.
 */

/* Installs the handler of SIGBUS; again is harmless. Before the threads start. 0 or -errno. */
int fault_install(void);

/*
 * All signals but those that an access itself raises: what a thread blocks that is not to get the signals of the process. One
 * that is raised by an access while it is blocked ends the process at once.
 */
void fault_others(sigset_t *set);

/* memcpy; what was copied before the fault stays. Any thread. 0 or -EIO. */
int fault_copy(void *to, const void *from, size_t n);

/*
 * Runs fn so that a SIGBUS in it returns -EIO from here at once, as by longjmp: fn must hold no lock and own nothing that it
 * would have to give back. It may be nested. Any thread. 0 or -EIO.
 */
int fault_run(void (*fn)(void *arg), void *arg);

#endif
