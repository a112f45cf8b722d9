/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Regions of mapped files when things cross: losses, breaks, and what is freed meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/client_pmem_rig.h"

static void a_durable_write_after_a_loss_says_so(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_at(0, 10);
	work_ends(0, 0);
	channel_ends();
	mapped_again();
	write_durably(20, 10);
	work_ends(0, 0);
	work_ends(1, 0);
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
	write_durably(20, 10);
	work_ends(2, 0);
	work_ends(3, 0);
	ended_with(3, STATUS_SUCCESS);
}

static void a_durable_write_that_is_lost_says_so_after_others(void **state)
{
	map(PMEM_ACCESS_WRITE);
	write_durably(0, 10);
	channel_ends();
	commit();
	ended_with(1, STATUS_LOST_WRITEBEHIND_DATA);
	answer_write(asked(&rig, SMB2_WRITE), 10);
	ended_with(2, STATUS_LOST_WRITEBEHIND_DATA);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_durable_write_after_a_loss_says_so),
		CASE(a_durable_write_that_is_lost_says_so_after_others),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
