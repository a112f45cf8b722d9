/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

/*
 * A process that a fault of its own ends says so first: the signal, and where it came from as addresses that addr2line(1) reads.
 * It acts as others and has their files open, so that the kernel leaves no core file of it (PR_SET_DUMPABLE). Before the threads
 * start, and before fault_install. Where a sanitizer watches, its own report is better: nothing is done.
 */
void panic_install(void);

#endif
