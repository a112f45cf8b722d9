/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "client/histogram.h"

#include <string.h>

static struct histogram h;

static int empty(void **state)
{
	memset(&h, 0, sizeof(h));
	return 0;
}

static void an_empty_one_has_quantile_0(void **state)
{
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_int_equal(histogram_quantile(&h, 1), 0);
}

static void small_values_are_exact(void **state)
{
	for (uint64_t v = 1; v <= 100; v++)
		histogram_add(&h, v / 2);
	assert_int_equal(histogram_quantile(&h, 0.5), 25);
	assert_int_equal(histogram_quantile(&h, 1), 50);
	assert_int_equal(histogram_quantile(&h, 0), 0);
}

static void every_value_is_known_to_its_precision(void **state)
{
	for (uint64_t v = 1; v < HISTOGRAM_MAX; v += v / 7 + 1) {
		empty(NULL);
		histogram_add(&h, v);
		histogram_add(&h, HISTOGRAM_MAX);
		uint64_t q = histogram_quantile(&h, 0.5);
		assert_true(q >= v);
		assert_true(q - v <= v / HISTOGRAM_SUB);
	}
}

static void quantiles_never_decrease(void **state)
{
	uint64_t last = 0;

	for (uint64_t v = 3; v < 1ull << 35; v = v * 5 / 4 + 1)
		histogram_add(&h, v);
	for (int i = 0; i <= 1000; i++) {
		uint64_t q = histogram_quantile(&h, i / 1000.0);

		assert_true(q >= last);
		last = q;
	}
	assert_int_equal(last, h.max);
}

static void too_large_values_count_as_the_largest(void **state)
{
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 1);
	assert_int_equal(histogram_quantile(&h, 0.5), HISTOGRAM_MAX);
}

static void one_outlier_in_a_thousand_shows_at_the_end_only(void **state)
{
	for (int i = 0; i < 999; i++)
		histogram_add(&h, 10);
	histogram_add(&h, 1000000);
	assert_int_equal(histogram_quantile(&h, 0.99), 10);
	assert_int_equal(histogram_quantile(&h, 0.999), 10);
	assert_int_equal(histogram_quantile(&h, 0.9999), 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_one_has_quantile_0, empty),
		cmocka_unit_test_setup(small_values_are_exact, empty),
		cmocka_unit_test_setup(every_value_is_known_to_its_precision, empty),
		cmocka_unit_test_setup(quantiles_never_decrease, empty),
		cmocka_unit_test_setup(too_large_values_count_as_the_largest, empty),
		cmocka_unit_test_setup(one_outlier_in_a_thousand_shows_at_the_end_only, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
