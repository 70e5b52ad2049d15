/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/credentials.h"

static void set_environment(const char *id, const char *secret, const char *token)
{
	const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
				      "AWS_SESSION_TOKEN" };
	const char *const values[] = { id, secret, token };

	for (int i = 0; i < 3; i++)
		if (values[i])
			setenv(names[i], values[i], 1);
		else
			unsetenv(names[i]);
}

static void the_environment_gives_id_secret_and_token(void **state)
{
	_cleanup_(credentials_provider_freep) struct credentials_provider *provider = NULL;
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	_cleanup_free_ char *error = NULL;

	(void)state;
	set_environment("AKID", "secret", "token");
	assert_int_equal(credentials_provider_new_environment(&provider, &error), 0);
	set_environment(NULL, NULL, NULL);
	assert_int_equal(credentials_provider_get(provider, &credentials), 0);
	assert_string_equal(credentials_access_key_id(credentials), "AKID");
	assert_string_equal(credentials_secret_access_key(credentials), "secret");
	assert_string_equal(credentials_session_token(credentials), "token");
	assert_int_equal(credentials_expires_ms(credentials), 0);
	assert_null(error);
}

static void an_empty_token_is_no_token(void **state)
{
	_cleanup_(credentials_provider_freep) struct credentials_provider *provider = NULL;
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	_cleanup_free_ char *error = NULL;

	(void)state;
	set_environment("AKID", "secret", "");
	assert_int_equal(credentials_provider_new_environment(&provider, &error), 0);
	assert_int_equal(credentials_provider_get(provider, &credentials), 0);
	assert_null(credentials_session_token(credentials));
}

static void the_environment_has_no_others_to_give(void **state)
{
	_cleanup_(credentials_provider_freep) struct credentials_provider *provider = NULL;
	_cleanup_free_ char *error = NULL;

	(void)state;
	set_environment("AKID", "secret", NULL);
	assert_int_equal(credentials_provider_new_environment(&provider, &error), 0);
	assert_false(credentials_provider_renew(provider));
}

static void check_missing(const char *id, const char *secret, const char *named,
			  const char *not_named)
{
	struct credentials_provider *provider = NULL;
	_cleanup_free_ char *error = NULL;

	set_environment(id, secret, NULL);
	assert_int_equal(credentials_provider_new_environment(&provider, &error), -ENOKEY);
	assert_null(provider);
	assert_non_null(strstr(error, named));
	if (not_named)
		assert_null(strstr(error, not_named));
}

static void a_missing_variable_is_named(void **state)
{
	(void)state;
	check_missing(NULL, NULL, "AWS_ACCESS_KEY_ID", NULL);
	check_missing(NULL, NULL, "AWS_SECRET_ACCESS_KEY", NULL);
	check_missing("AKID", NULL, "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID");
	check_missing("", "secret", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
}

static void what_cannot_stand_in_a_header_is_refused_and_not_shown(void **state)
{
	struct credentials_provider *provider = NULL;
	_cleanup_free_ char *error = NULL;

	(void)state;
	set_environment("AKID", "secret", "to\r\nken");
	assert_int_equal(credentials_provider_new_environment(&provider, &error), -EINVAL);
	assert_non_null(error);
	assert_null(strstr(error, "ken\n"));
	assert_null(strstr(error, "secret"));
}

static void a_snapshot_outlives_its_provider(void **state)
{
	struct credentials_provider *provider = NULL;
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	_cleanup_free_ char *error = NULL;

	(void)state;
	set_environment("AKID", "secret", NULL);
	assert_int_equal(credentials_provider_new_environment(&provider, &error), 0);
	assert_int_equal(credentials_provider_get(provider, &credentials), 0);
	credentials_provider_free(provider);
	assert_string_equal(credentials_access_key_id(credentials), "AKID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_gives_id_secret_and_token),
		cmocka_unit_test(an_empty_token_is_no_token),
		cmocka_unit_test(the_environment_has_no_others_to_give),
		cmocka_unit_test(a_missing_variable_is_named),
		cmocka_unit_test(what_cannot_stand_in_a_header_is_refused_and_not_shown),
		cmocka_unit_test(a_snapshot_outlives_its_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
