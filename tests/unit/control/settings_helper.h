/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a configuration from texts: the file is "c.yaml" in a directory of the test's own, so that
 * messages are the same everywhere.
 */
#ifndef RINGTAIL_TESTS_SETTINGS_HELPER_H
#define RINGTAIL_TESTS_SETTINGS_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/settings.h"

struct loaded {
	struct settings_source *source;
	struct settings *settings;
	char *error;
	int result;
};

static inline __attribute__((unused)) void loaded_release(struct loaded *loaded)
{
	settings_source_free(loaded->source);
	settings_free(loaded->settings);
	free(loaded->error);
}
#define _cleanup_loaded_ _cleanup_(loaded_release)

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NONE ((const char *const[]){ NULL })

static inline __attribute__((unused)) int enter_own_directory(void **state)
{
	char *path = strdup("/tmp/ringtail-settings-XXXXXX");

	*state = path;
	return path && mkdtemp(path) && chdir(path) == 0 ? 0 : -1;
}

static inline __attribute__((unused)) int leave_own_directory(void **state)
{
	_cleanup_free_ char *path = *state;

	unlink("c.yaml");
	return chdir("/") == 0 && rmdir(path) == 0 ? 0 : -1;
}

static inline __attribute__((unused)) void write_file(const char *text)
{
	FILE *file = fopen("c.yaml", "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* `flags` each with "=" or a switch; `file` NULL: the default file, which no test machine has. */
static inline __attribute__((unused)) struct loaded load(const char *const *flags,
							 const char *const *environment,
							 const char *file, enum settings_user user)
{
	struct loaded loaded = { 0 };

	assert_int_equal(settings_source_new(&loaded.source), 0);
	for (; *flags && loaded.result >= 0; flags++) {
		loaded.result = settings_flag(loaded.source, *flags, NULL, &loaded.error);
		if (loaded.result == SETTINGS_NOT_A_KEY)
			fail_msg("%s is not a key", *flags);
	}
	if (file)
		write_file(file);
	if (loaded.result >= 0)
		loaded.result = settings_load(loaded.source, file ? "c.yaml" : NULL,
					      (char *const *)(uintptr_t)environment, user,
					      &loaded.settings, &loaded.error);
	return loaded;
}

static inline __attribute__((unused)) void assert_refused(const struct loaded *loaded,
							  const char *error)
{
	assert_int_equal(loaded->result, -EINVAL);
	assert_null(loaded->settings);
	assert_non_null(loaded->error);
	assert_string_equal(loaded->error, error);
}

static inline __attribute__((unused)) void assert_loaded(const struct loaded *loaded)
{
	if (loaded->result < 0)
		fail_msg("%s", loaded->error ? loaded->error : strerror(-loaded->result));
	assert_non_null(loaded->settings);
	assert_null(loaded->error);
}

#endif
