/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"

struct folder {
	char path[64];
	char file[128];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->path, sizeof(folder->path), "/tmp/ringtail-file-test-XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	snprintf(folder->file, sizeof(folder->file), "%s/file", folder->path);
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;

	unlink(folder->file);
	rmdir(folder->path);
	free(folder);
	return 0;
}

static void put_file(const struct folder *folder, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(folder->file, "w");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		fputc((int)(i % 251), file);
}

static void a_file_of_any_size_is_read_whole_with_a_nul_behind(void **state)
{
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 4097, 100000 };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		_cleanup_buffer_ struct buffer content = { 0 };

		put_file(*state, sizes[s]);
		buffer_append_text(&content, "before");
		assert_int_equal(file_read(((struct folder *)*state)->file, sizes[s], &content), 0);
		assert_int_equal(content.size, 6 + sizes[s]);
		assert_int_equal(content.data[content.size], '\0');
		for (size_t i = 0; i < sizes[s]; i++)
			if ((unsigned char)content.data[6 + i] != i % 251)
				fail_msg("byte %zu of %zu", i, sizes[s]);
	}
}

static void a_file_over_the_limit_is_refused_and_nothing_is_kept(void **state)
{
	_cleanup_buffer_ struct buffer content = { 0 };

	put_file(*state, 101);
	assert_int_equal(file_read(((struct folder *)*state)->file, 100, &content), -EFBIG);
	assert_int_equal(content.size, 0);
	assert_int_equal(file_read("/dev/zero", 1000000, &content), -EFBIG);
	assert_int_equal(content.size, 0);
}

static void what_cannot_be_read_says_why(void **state)
{
	_cleanup_buffer_ struct buffer content = { 0 };

	assert_int_equal(file_read("/nonexistent/file", 100, &content), -ENOENT);
	assert_int_equal(file_read(((struct folder *)*state)->path, 100, &content), -EISDIR);
	assert_int_equal(content.size, 0);
}

static void *drain_slowly(void *argument)
{
	int fd = *(int *)argument;
	char bytes[1000];
	size_t total = 0;
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		total += (size_t)got;
	return (void *)total;
}

static void all_is_written_where_the_kernel_takes_it_in_parts(void **state)
{
	enum { SIZE = 1 << 20 };
	_cleanup_free_ char *bytes = calloc(1, SIZE);
	pthread_t reader;
	void *total;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&reader, NULL, drain_slowly, &fds[0]), 0);
	assert_int_equal(file_write_all(fds[1], bytes, SIZE), 0);
	close(fds[1]);
	pthread_join(reader, &total);
	close(fds[0]);
	assert_int_equal((size_t)total, SIZE);
	assert_int_equal(file_write_all(-1, bytes, 0), 0);
	assert_int_equal(file_write_all(-1, bytes, 1), -EBADF);
}

static void a_value_goes_only_into_a_file_that_exists(void **state)
{
	const struct folder *folder = *state;
	_cleanup_buffer_ struct buffer content = { 0 };

	assert_int_equal(file_write_value(folder->file, "12"), -ENOENT);
	put_file(folder, 0);
	assert_int_equal(file_write_value(folder->file, "12"), 0);
	assert_int_equal(file_read(folder->file, 100, &content), 0);
	assert_string_equal(content.data, "12");
	assert_int_equal(file_write_value("/dev/full", "12"), -ENOSPC);
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(a_file_of_any_size_is_read_whole_with_a_nul_behind),
		FOLDER_TEST(a_file_over_the_limit_is_refused_and_nothing_is_kept),
		FOLDER_TEST(what_cannot_be_read_says_why),
		FOLDER_TEST(all_is_written_where_the_kernel_takes_it_in_parts),
		FOLDER_TEST(a_value_goes_only_into_a_file_that_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
