/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration from hostile hands. The first byte chooses: a YAML file, or the text of one flag.
 * What is accepted must print as a file that is accepted again and prints the same; what is refused
 * must be one printable line.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "control/settings_table.h"
#include "control/text.h"

static int load_file(const char *text, size_t size, struct settings_source *source,
		     struct settings **ret, char **ret_error)
{
	_cleanup_close_ int fd = memfd_create("settings", MFD_CLOEXEC);
	char *const environment[] = { NULL };
	char path[64];

	assert(fd >= 0 && file_write_all(fd, text, size) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return settings_load(source, path, environment, SETTINGS_SHOW, ret, ret_error);
}

static void print(const struct settings_source *source, const struct settings *settings, char **ret,
		  size_t *ret_size)
{
	FILE *out = open_memstream(ret, ret_size);

	assert(out && settings_print(source, settings, out) == 0);
	fclose(out);
}

/* Prints, reads what was printed, prints that: only origins may differ, and they end their lines.
 */
static void check_round_trip(const struct settings_source *source, const struct settings *settings)
{
	_cleanup_(settings_source_freep) struct settings_source *again_source = NULL,
								*third_source = NULL;
	_cleanup_(settings_freep) struct settings *again = NULL, *third = NULL;
	_cleanup_free_ char *first = NULL, *second = NULL, *last = NULL, *error = NULL;
	size_t first_size, second_size, last_size;

	print(source, settings, &first, &first_size);
	if (first_size > 256 * 1024) /* no file may be so large */
		return;
	assert(settings_source_new(&again_source) == 0 && settings_source_new(&third_source) == 0);
	if (load_file(first, first_size, again_source, &again, &error) < 0) {
		fprintf(stderr, "%s\n%s\n", error, first);
		abort();
	}
	print(again_source, again, &second, &second_size);
	if (second_size > 256 * 1024)
		return;
	assert(load_file(second, second_size, third_source, &third, &error) == 0);
	print(third_source, third, &last, &last_size);
	assert(second_size == last_size && memcmp(second, last, last_size) == 0);
}

static int load_flag(const uint8_t *data, size_t size, struct settings_source *source,
		     struct settings **ret, char **ret_error)
{
	_cleanup_free_ char *argument = NULL, *value = strndup((const char *)data + 1, size - 1);
	char *const environment[] = { NULL };
	char flag[SETTING_NAME_SIZE];
	size_t count;
	const struct setting *table = settings_table(&count);
	int r;

	setting_flag_name(&table[data[0] % count], flag);
	assert(value && asprintf(&argument, "--%s=%s", flag, value) > 0);
	r = settings_flag(source, argument, NULL, ret_error);
	return r < 0 ? r
		     : settings_load(source, "/dev/null", environment, SETTINGS_SHOW, ret,
				     ret_error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(settings_source_freep) struct settings_source *source = NULL;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_free_ char *error = NULL;
	int r;

	if (size == 0)
		return 0;
	assert(settings_source_new(&source) == 0);
	r = data[0] >= 128 ? load_flag(data, size, source, &settings, &error)
			   : load_file((const char *)data + 1, size - 1, source, &settings, &error);
	if (r < 0)
		assert(error && text_is_clean(error, false));
	else
		check_round_trip(source, settings);
	return 0;
}
