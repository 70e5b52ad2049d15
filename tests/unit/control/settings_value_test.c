/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_input.h"
#include "control/settings_value.h"

static void wrong_values_of_every_type_are_refused_with_a_remedy(void **state)
{
	static const struct {
		const char *flag, *error;
	} cases[] = {
		{ "--state-dir=", "state_dir: is empty; give a value or leave the key out" },
		{ "--state-dir=/a\nb",
		  "state_dir: holds control characters or bytes that are not UTF-8; remove them" },
		{ "--node=\xff",
		  "node: holds control characters or bytes that are not UTF-8; remove them" },
		{ "--containers-labels=a,\x1b", "containers.labels: holds control characters or "
						"bytes that are not UTF-8; remove them" },
		{ "--containers-extra=a=\xc3", "containers.extra: holds control characters or "
					       "bytes that are not UTF-8; remove them" },
		{ "--containers-group=${foo}",
		  "containers.group: unknown variable ${foo}; ringtail(8) lists the variables, and "
		  "$${ is a literal ${" },
		{ "--containers-group=",
		  "containers.group: is empty; give a value or leave the key out" },
		{ "--containers-format=xml",
		  "containers.format: \"xml\" is not known here; give json or raw" },
		{ "--containers-merge-json=yes",
		  "containers.merge_json: \"yes\" is not known here; give true or false" },
		{ "--containers-merge-json=",
		  "containers.merge_json: \"\" is not known here; give true or false" },
		{ "--kubelet-enabled=on",
		  "kubelet.enabled: \"on\" is not known here; give auto, true or false" },
		{ "--log-level=\x07loud",
		  "log_level: holds control characters or bytes that are not UTF-8; remove them" },
		{ "--log-level=loud", "log_level: \"loud\" is not known here; give error, warning, "
				      "warn, info or debug" },
		{ "--cloudwatch-log-group-class=standard",
		  "cloudwatch.log_group_class: \"standard\" is not known here; give STANDARD, "
		  "INFREQUENT_ACCESS or DELIVERY" },
		{ "--cloudwatch-retention-days=x",
		  "cloudwatch.retention_days: \"x\" is not a whole number; give digits only" },
		{ "--limits-line=16MB", "limits.line: \"16MB\" is not a size; give bytes, or a "
					"whole number with KiB, MiB or GiB" },
		{ "--limits-line=", "limits.line: \"\" is not a size; give bytes, or a whole "
				    "number with KiB, MiB or GiB" },
		{ "--limits-line=1023",
		  "limits.line: 1023 is out of bounds; give 1KiB to 1048550" },
		{ "--limits-line=1048551",
		  "limits.line: 1048551 is out of bounds; give 1KiB to 1048550" },
		{ "--limits-rate=99999999999999999999",
		  "limits.rate: 99999999999999999999 is out of bounds; give 0 to "
		  "18446744073709551615" },
		{ "--capture-ring-size=65535",
		  "capture.ring_size: 65535 is out of bounds; give 64KiB to 1GiB" },
		{ "--shutdown-timeout=20", "shutdown_timeout: \"20\" is not a duration; give a "
					   "whole number with its unit, one of ms s m h d" },
		{ "--kubelet-interval=999ms",
		  "kubelet.interval: 999ms is out of bounds; give 1s to 24h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_loaded_ struct loaded loaded =
			load(LIST(cases[i].flag), NONE, NULL, SETTINGS_SHOW);
		const char *key;

		assert_int_equal(loaded.result, -EINVAL);
		assert_non_null(loaded.error);
		assert_memory_equal(loaded.error, "flag --", 7);
		key = strstr(loaded.error, ": ");
		assert_non_null(key);
		assert_string_equal(key + 2, cases[i].error);
	}
}

static void the_bounds_themselves_are_accepted(void **state)
{
	_cleanup_loaded_ struct loaded least = load(
		LIST("--limits-line=1KiB", "--capture-ring-size=64KiB", "--kubelet-interval=1s"),
		NONE, NULL, SETTINGS_SHOW);
	_cleanup_loaded_ struct loaded most =
		load(LIST("--limits-line=1048550", "--capture-ring-size=1GiB",
			  "--kubelet-interval=1d", "--limits-rate=18446744073709551615"),
		     NONE, NULL, SETTINGS_SHOW);

	(void)state;
	assert_loaded(&least);
	assert_loaded(&most);
	assert_int_equal(least.settings->limits.line, 1024);
	assert_int_equal(most.settings->limits.line, 1048550);
	assert_true(most.settings->limits.rate == UINT64_MAX);
}

static void choices_store_their_values(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(LIST("--containers-format=raw", "--capture-backend=vfs", "--kubelet-enabled",
			  "--log-level=warn", "--log-format=json", "--cloudwatch-compression=none"),
		     NONE, NULL, SETTINGS_SHOW);

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.settings->containers.format, LINE_FORMAT_RAW);
	assert_int_equal(loaded.settings->capture.backend, BACKEND_VFS);
	assert_int_equal(loaded.settings->kubelet.enabled, TOGGLE_ON);
	assert_int_equal(loaded.settings->log_level, LOG_LEVEL_WARNING);
	assert_int_equal(loaded.settings->log_format, LOG_FORMAT_JSON);
	assert_false(loaded.settings->cloudwatch.gzip);
}

static void an_optional_key_can_be_emptied_over_a_lower_origin(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(
		LIST("--cloudwatch-proxy=", "--cloudwatch-retention-days=", "--containers-labels=",
		     "--containers-extra=", "--multiline=", "--kubelet-ca-file="),
		NONE,
		"cloudwatch: {proxy: 'http://p:1', retention_days: 7}\n"
		"containers: {labels: [a], extra: {a: b}}\nmultiline: [{preset: go}]\n",
		SETTINGS_SHOW);

	(void)state;
	assert_loaded(&loaded);
	assert_null(loaded.settings->cloudwatch.proxy);
	assert_int_equal(loaded.settings->cloudwatch.retention_days, 0);
	assert_int_equal(loaded.settings->containers.labels.count, 0);
	assert_int_equal(loaded.settings->containers.extra.count, 0);
	assert_string_equal(loaded.settings->multiline, "[]");
	assert_null(loaded.settings->kubelet.ca_file);
}

static void texts_are_bounded(void **state)
{
	char flag[200] = "--control-socket=/";
	size_t prefix = strlen("--control-socket=");

	(void)state;
	for (size_t length = 107; length <= 108; length++) {
		_cleanup_loaded_ struct loaded loaded = { 0 };

		memset(flag + prefix, 's', length);
		flag[prefix + length] = '\0';
		loaded = load(LIST(flag), NONE, NULL, SETTINGS_SHOW);
		if (length == 107)
			assert_loaded(&loaded);
		else
			assert_refused(&loaded, "flag --control-socket: control_socket: is longer "
						"than 107 bytes; give a "
						"shorter one");
	}
}

static void a_refused_value_leaves_the_old_one(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	const struct setting *setting = settings_table_find("state_dir");
	struct settings settings = { 0 };
	_cleanup_free_ char *what = NULL;

	(void)state;
	assert_int_equal(setting_input_add_text(setting, "/old", &input, &what), 0);
	assert_int_equal(setting_store(setting, &input, &settings, &what), 0);
	assert_int_equal(setting_input_add_text(setting, "", &input, &what), 0);
	assert_int_equal(setting_store(setting, &input, &settings, &what), -EINVAL);
	assert_string_equal(settings.state_dir, "/old");
	setting_clear(setting, &settings);
	assert_null(settings.state_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_values_of_every_type_are_refused_with_a_remedy),
		cmocka_unit_test(the_bounds_themselves_are_accepted),
		cmocka_unit_test(choices_store_their_values),
		cmocka_unit_test(an_optional_key_can_be_emptied_over_a_lower_origin),
		cmocka_unit_test(texts_are_bounded),
		cmocka_unit_test(a_refused_value_leaves_the_old_one),
	};

	return cmocka_run_group_tests(tests, enter_own_directory, leave_own_directory);
}
