/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "base/file.h"
#include "control/settings_table.h"

/* The public contract: its keys and their defaults, NULL where the default depends on something. */
static const struct {
	const char *key, *preset;
} contract[] = {
	{ "cluster", NULL },
	{ "region", NULL },
	{ "node", NULL },
	{ "sink", NULL },
	{ "state_dir", "/var/lib/ringtail" },
	{ "containers.group", "/eks/${cluster}/containers" },
	{ "containers.stream", "${pod}_${namespace}_${container}-${container_id}" },
	{ "containers.format", "json" },
	{ "containers.merge_json", "false" },
	{ "containers.labels", NULL },
	{ "containers.annotations", NULL },
	{ "containers.extra", NULL },
	{ "containers.process", "false" },
	{ "containers.read_from_head", "true" },
	{ "containers.max_age", "14d" },
	{ "namespaces.include", "*" },
	{ "namespaces.exclude", NULL },
	{ "containers.include", "*" },
	{ "containers.exclude", NULL },
	{ "multiline", "[]" },
	{ "multiline_timeout", "2s" },
	{ "redact", "[]" },
	{ "limits.line", "1048550" },
	{ "limits.rate", "0" },
	{ "limits.memory", "64MiB" },
	{ "limits.pinned_disk", "1GiB" },
	{ "capture.backend", "auto" },
	{ "capture.ring_size", "16MiB" },
	{ "capture.cgroups", NULL },
	{ "journal.enabled", "true" },
	{ "journal.directory", "/run/log/journal,/var/log/journal" },
	{ "journal.units", "kubelet.service,kube-proxy.service,kubeproxy.service,docker.service,"
			   "containerd.service" },
	{ "journal.group", "/eks/${cluster}/systemd" },
	{ "journal.stream", "${unit}-${hostname}" },
	{ "journal.read_from_head", "true" },
	{ "kubelet.enabled", "auto" },
	{ "kubelet.url", NULL },
	{ "kubelet.token_file", "/var/run/secrets/kubernetes.io/serviceaccount/token" },
	{ "kubelet.ca_file", "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" },
	{ "kubelet.insecure", "false" },
	{ "kubelet.interval", "60s" },
	{ "pod_logs_dir", "/var/log/pods" },
	{ "annotations.allow_group", NULL },
	{ "cloudwatch.endpoint", NULL },
	{ "cloudwatch.flush_interval", "5s" },
	{ "cloudwatch.compression", "gzip" },
	{ "cloudwatch.auto_create", "true" },
	{ "cloudwatch.retention_days", NULL },
	{ "cloudwatch.tags", NULL },
	{ "cloudwatch.kms_key_id", NULL },
	{ "cloudwatch.log_group_class", NULL },
	{ "cloudwatch.entity", "false" },
	{ "cloudwatch.fips", "false" },
	{ "cloudwatch.dualstack", "false" },
	{ "cloudwatch.proxy", NULL },
	{ "cloudwatch.ca_file", NULL },
	{ "cloudwatch.role_arn", NULL },
	{ "cloudwatch.external_id", NULL },
	{ "listen", "127.0.0.1:9641" },
	{ "control_socket", "/run/ringtail/control.sock" },
	{ "shutdown_timeout", "20s" },
	{ "log_level", "info" },
	{ "log_format", "text" },
};

enum { CONTRACT_KEYS = sizeof(contract) / sizeof(contract[0]) };

static void the_table_has_the_keys_and_defaults_of_the_contract_and_no_others(void **state)
{
	size_t count;

	(void)state;
	settings_table(&count);
	assert_int_equal(count, CONTRACT_KEYS);
	for (size_t i = 0; i < CONTRACT_KEYS; i++) {
		const struct setting *setting = settings_table_find(contract[i].key);

		if (!setting)
			fail_msg("%s is missing", contract[i].key);
		if (!contract[i].preset)
			assert_null(setting->preset);
		else
			assert_string_equal(setting->preset, contract[i].preset);
	}
}

static void fields_do_not_overlap(void **state)
{
	unsigned char used[sizeof(struct settings)] = { 0 };
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < table[i].width; j++) {
			if (used[table[i].offset + j])
				fail_msg("%s shares its field", table[i].name);
			used[table[i].offset + j] = 1;
		}
}

static void widths_fit_the_types(void **state)
{
	static const size_t widths[] = {
		[SETTING_TEXT] = sizeof(char *),	   [SETTING_TEMPLATE] = sizeof(char *),
		[SETTING_JSON] = sizeof(char *),	   [SETTING_NUMBER] = sizeof(uint64_t),
		[SETTING_SIZE] = sizeof(uint64_t),	   [SETTING_DURATION] = sizeof(uint64_t),
		[SETTING_LIST] = sizeof(struct text_list), [SETTING_MAP] = sizeof(struct text_map),
	};
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		if (table[i].type == SETTING_CHOICE)
			assert_true(table[i].width == sizeof(bool) ||
				    table[i].width == sizeof(int));
		else
			assert_int_equal(table[i].width, widths[table[i].type]);
		assert_true(strlen(table[i].help) > 5);
		assert_true(strlen(table[i].name) + sizeof("RINGTAIL_") <= SETTING_NAME_SIZE);
	}
}

static void the_keys_of_a_section_stand_together(void **state)
{
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	for (size_t i = 1; i < count; i++) {
		size_t length = strcspn(table[i].name, ".");

		if (!table[i].name[length] ||
		    strncmp(table[i - 1].name, table[i].name, length + 1) == 0)
			continue;
		for (size_t j = 0; j < i; j++)
			assert_true(strncmp(table[j].name, table[i].name, length + 1) != 0);
	}
}

static void flags_and_variables_are_named_after_the_key_and_unique(void **state)
{
	char flag[SETTING_NAME_SIZE], variable[SETTING_NAME_SIZE], other[SETTING_NAME_SIZE];
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	setting_flag_name(settings_table_find("containers.merge_json"), flag);
	setting_variable_name(settings_table_find("containers.merge_json"), variable);
	assert_string_equal(flag, "containers-merge-json");
	assert_string_equal(variable, "RINGTAIL_CONTAINERS_MERGE_JSON");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++) {
			setting_flag_name(&table[i], flag);
			setting_flag_name(&table[j], other);
			assert_string_not_equal(flag, other);
		}
}

/*
 * For a Service "ringtail" or "ringtail-x" Kubernetes sets RINGTAIL[_X]_PORT, _SERVICE_HOST and
 * more.
 */
static void no_variable_is_one_that_kubernetes_injects(void **state)
{
	static const char *const parts[] = { "_PORT", "_SERVICE_HOST", "_SERVICE_PORT" };
	char variable[SETTING_NAME_SIZE];
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		setting_variable_name(&table[i], variable);
		for (size_t j = 0; j < 3; j++)
			assert_null(strstr(variable, parts[j]));
	}
}

static void sections_are_known_and_nested_no_deeper(void **state)
{
	(void)state;
	assert_true(settings_table_is_section("cloudwatch"));
	assert_false(settings_table_is_section("cloud"));
	assert_false(settings_table_is_section("cluster"));
	assert_false(settings_table_is_section("cloudwatch.tags"));
	assert_false(settings_table_is_section(""));
}

static void the_manual_names_every_key(void **state)
{
	_cleanup_buffer_ struct buffer manual = { 0 };
	char line[100];
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	assert_int_equal(file_read(TEST_DATA "/../../docs/ringtail.8", 1 << 20, &manual), 0);
	for (size_t i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "\n.It Cm %s\n", table[i].name);
		if (!strstr(manual.data, line))
			fail_msg("%s is not in docs/ringtail.8", table[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_the_keys_and_defaults_of_the_contract_and_no_others),
		cmocka_unit_test(fields_do_not_overlap),
		cmocka_unit_test(widths_fit_the_types),
		cmocka_unit_test(the_keys_of_a_section_stand_together),
		cmocka_unit_test(flags_and_variables_are_named_after_the_key_and_unique),
		cmocka_unit_test(no_variable_is_one_that_kubernetes_injects),
		cmocka_unit_test(sections_are_known_and_nested_no_deeper),
		cmocka_unit_test(the_manual_names_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
