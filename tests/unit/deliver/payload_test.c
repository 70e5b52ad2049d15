/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "deliver/payload.h"

static void any_size_comes_back_as_it_was(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 16384, 16385, 70000, 1500000 };
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		_cleanup_buffer_ struct buffer plain = { 0 }, packed = { 0 }, back = { 0 };

		assert_int_equal(buffer_reserve(&plain, sizes[i]), 0);
		for (; plain.size < sizes[i]; plain.size++) {
			seed = seed * 1664525 + 1013904223;
			plain.data[plain.size] = (char)(seed >> 24); /* does not shrink */
		}
		buffer_append_text(&packed, "kept");
		assert_int_equal(payload_gzip(plain.data, plain.size, &packed), 0);
		assert_memory_equal(packed.data, "kept\x1f\x8b\x08", 7);
		assert_int_equal(payload_gunzip(packed.data + 4, packed.size - 4, sizes[i], &back),
				 0);
		assert_int_equal(back.size, sizes[i]);
		if (sizes[i])
			assert_memory_equal(back.data, plain.data, sizes[i]);
	}
}

static void what_is_not_that_gzip_is_refused(void **state)
{
	_cleanup_buffer_ struct buffer packed = { 0 }, back = { 0 };

	(void)state;
	assert_int_equal(payload_gzip("some bytes", 10, &packed), 0);
	assert_int_equal(payload_gunzip(packed.data, packed.size, 9, &back), -EBADMSG);
	assert_int_equal(payload_gunzip(packed.data, packed.size, 11, &back), -EBADMSG);
	assert_int_equal(payload_gunzip(packed.data, packed.size - 1, 10, &back), -EBADMSG);
	packed.data[packed.size - 8] ^= 1; /* its checksum */
	assert_int_equal(payload_gunzip(packed.data, packed.size, 10, &back), -EBADMSG);
	assert_int_equal(payload_gunzip("some bytes", 10, 10, &back), -EBADMSG);
	assert_int_equal(payload_gunzip("", 0, 0, &back), -EBADMSG);
	assert_int_equal(back.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_size_comes_back_as_it_was),
		cmocka_unit_test(what_is_not_that_gzip_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
