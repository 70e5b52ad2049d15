/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

static void each_origin_yields_to_the_next_higher_one(void **state)
{
	static const char *const expected[] = { "/var/lib/ringtail",
						"/file",
						"/variable",
						"/variable",
						"/flag",
						"/flag",
						"/flag",
						"/flag" };

	(void)state;
	for (unsigned int origins = 0; origins < 8;
	     origins++) { /* bit 0: file, 1: variable, 2: flag */
		_cleanup_loaded_ struct loaded loaded =
			load(origins & 4 ? LIST("--state-dir=/flag") : NONE,
			     origins & 2 ? LIST("RINGTAIL_STATE_DIR=/variable") : NONE,
			     origins & 1 ? "state_dir: /file\n" : "", SETTINGS_SHOW);

		assert_loaded(&loaded);
		assert_string_equal(loaded.settings->state_dir, expected[origins]);
	}
}

static void a_higher_origin_replaces_a_whole_list(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(NONE, LIST("RINGTAIL_NAMESPACES_EXCLUDE=c"),
		     "namespaces: {exclude: [a, b], include: [d, e]}", SETTINGS_SHOW);

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.settings->namespaces.exclude.count, 1);
	assert_string_equal(loaded.settings->namespaces.exclude.items[0], "c");
	assert_null(loaded.settings->namespaces.exclude.items[1]);
	assert_int_equal(loaded.settings->namespaces.include.count, 2);
}

static void a_repeated_flag_appends_to_lists_maps_and_rules_and_replaces_a_scalar(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(
		LIST("--containers-labels=a,b", "--containers-labels=c", "--containers-extra=k=v",
		     "--containers-extra=l=w", "--multiline=[{\"preset\":\"go\"}]",
		     "--multiline=[{\"start\":\"x\"}]", "--state-dir=/one", "--state-dir=/two"),
		NONE, NULL, SETTINGS_SHOW);
	const struct settings *settings = loaded.settings;

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(settings->containers.labels.count, 3);
	assert_string_equal(settings->containers.labels.items[2], "c");
	assert_int_equal(settings->containers.extra.count, 2);
	assert_string_equal(settings->containers.extra.keys[1], "l");
	assert_string_equal(settings->containers.extra.values[1], "w");
	assert_string_equal(settings->multiline, "[{\"preset\":\"go\"},{\"start\":\"x\"}]");
	assert_string_equal(settings->state_dir, "/two");
}

static void the_defaults_are_those_of_the_contract(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(NONE, LIST("NODE_NAME=n"), NULL, SETTINGS_RUN);
	const struct settings *settings = loaded.settings;

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(settings->cluster, "local");
	assert_null(settings->region);
	assert_int_equal(settings->sink_kind, SINK_STDOUT);
	assert_string_equal(settings->containers.group, "/eks/${cluster}/containers");
	assert_string_equal(settings->containers.stream,
			    "${pod}_${namespace}_${container}-${container_id}");
	assert_int_equal(settings->containers.format, LINE_FORMAT_JSON);
	assert_false(settings->containers.merge_json);
	assert_false(settings->containers.process);
	assert_true(settings->containers.read_from_head);
	assert_int_equal(settings->containers.max_age_ms, UINT64_C(14) * 24 * 3600 * 1000);
	assert_int_equal(settings->containers.labels.count, 0);
	assert_non_null(settings->containers.labels.items);
	assert_string_equal(settings->containers.include.items[0], "*");
	assert_int_equal(settings->containers.exclude.count, 0);
	assert_string_equal(settings->namespaces.include.items[0], "*");
	assert_string_equal(settings->multiline, "[]");
	assert_string_equal(settings->redact, "[]");
	assert_int_equal(settings->limits.line, 1048550);
	assert_int_equal(settings->limits.rate, 0);
	assert_int_equal(settings->limits.memory, 64 << 20);
	assert_int_equal(settings->limits.pinned_disk, 1 << 30);
	assert_int_equal(settings->capture.backend, BACKEND_AUTO);
	assert_int_equal(settings->capture.ring_size, 16 << 20);
	assert_true(settings->journal.enabled);
	assert_int_equal(settings->journal.units.count, 5);
	assert_int_equal(settings->kubelet.enabled, TOGGLE_AUTO);
	assert_null(settings->kubelet.url);
	assert_int_equal(settings->kubelet.interval_ms, 60000);
	assert_int_equal(settings->cloudwatch.flush_interval_ms, 5000);
	assert_true(settings->cloudwatch.gzip);
	assert_true(settings->cloudwatch.auto_create);
	assert_int_equal(settings->cloudwatch.retention_days, 0);
	assert_null(settings->cloudwatch.role_arn);
	assert_string_equal(settings->listen, "127.0.0.1:9641");
	assert_int_equal(settings->shutdown_timeout_ms, 20000);
	assert_int_equal(settings->log_level, LOG_LEVEL_INFO);
	assert_int_equal(settings->log_format, LOG_FORMAT_TEXT);
}

static void switches_are_true_alone_and_false_with_no(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(
		LIST("--containers-merge-json", "--no-journal-enabled", "--containers-process=true",
		     "--kubelet-insecure=false", "--no-kubelet-enabled"),
		NONE, "kubelet: {insecure: true}", SETTINGS_SHOW);

	(void)state;
	assert_loaded(&loaded);
	assert_true(loaded.settings->containers.merge_json);
	assert_false(loaded.settings->journal.enabled);
	assert_true(loaded.settings->containers.process);
	assert_false(loaded.settings->kubelet.insecure);
	assert_int_equal(loaded.settings->kubelet.enabled, TOGGLE_OFF);
}

static void a_flag_takes_the_next_argument_for_its_value_a_switch_does_not(void **state)
{
	_cleanup_loaded_ struct loaded loaded = { 0 };

	(void)state;
	assert_int_equal(settings_source_new(&loaded.source), 0);
	assert_int_equal(settings_flag(loaded.source, "--sink", "stdout", &loaded.error),
			 SETTINGS_TOOK_FLAG_AND_VALUE);
	assert_int_equal(settings_flag(loaded.source, "--sink=stdout", "x", &loaded.error),
			 SETTINGS_TOOK_FLAG);
	assert_int_equal(settings_flag(loaded.source, "--containers-process", "x", &loaded.error),
			 SETTINGS_TOOK_FLAG);
	assert_int_equal(settings_flag(loaded.source, "--sinks=x", NULL, &loaded.error),
			 SETTINGS_NOT_A_KEY);
	assert_int_equal(settings_flag(loaded.source, "--sin", "x", &loaded.error),
			 SETTINGS_NOT_A_KEY);
	assert_int_equal(settings_flag(loaded.source, "--no-such", "x", &loaded.error),
			 SETTINGS_NOT_A_KEY);
	assert_int_equal(settings_flag(loaded.source, "-s", "x", &loaded.error),
			 SETTINGS_NOT_A_KEY);
	assert_int_equal(settings_flag(loaded.source, "sink", "x", &loaded.error),
			 SETTINGS_NOT_A_KEY);
	assert_null(loaded.error);
}

static void wrong_flags_are_refused_by_name(void **state)
{
	static const struct {
		const char *flag, *next, *error;
	} cases[] = {
		{ "--sink", NULL, "flag --sink: sink: has no value; give one behind it" },
		{ "--sink", "--region", "flag --sink: sink: has no value; give one behind it" },
		{ "--no-sink", NULL,
		  "flag --no-sink: sink: is not a switch; give the flag without no-, and a value" },
		{ "--no-containers-process=true", NULL,
		  "flag --no-containers-process: containers.process: takes no value; leave out "
		  "what follows the =" },
		{ "--containers-extra=k", NULL,
		  "flag --containers-extra: containers.extra: is not a map; give "
		  "KEY=VALUE,KEY=VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_loaded_ struct loaded loaded = { 0 };

		assert_int_equal(settings_source_new(&loaded.source), 0);
		assert_int_equal(
			settings_flag(loaded.source, cases[i].flag, cases[i].next, &loaded.error),
			-EINVAL);
		assert_string_equal(loaded.error, cases[i].error);
	}
}

static void a_wrong_value_is_told_with_its_origin_even_where_a_higher_one_hides_it(void **state)
{
	_cleanup_loaded_ struct loaded flag =
		load(LIST("--limits-line=4"), NONE, NULL, SETTINGS_SHOW);
	_cleanup_loaded_ struct loaded variable =
		load(NONE, LIST("RINGTAIL_LIMITS_LINE=4"), NULL, SETTINGS_SHOW);
	_cleanup_loaded_ struct loaded file = load(LIST("--limits-line=4KiB"), NONE,
						   "# first\nlimits:\n  line: 4\n", SETTINGS_SHOW);

	(void)state;
	assert_refused(&flag,
		       "flag --limits-line: limits.line: 4 is out of bounds; give 1KiB to 1048550");
	assert_refused(&variable, "environment RINGTAIL_LIMITS_LINE: limits.line: 4 is out of "
				  "bounds; give 1KiB to 1048550");
	assert_refused(&file, "c.yaml:3: limits.line: 4 is out of bounds; give 1KiB to 1048550");
}

static void empty_variables_count_as_unset_and_unknown_ones_are_ignored(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(
		NONE,
		LIST("RINGTAIL_SINK=", "RINGTAIL_PORT=tcp://10.0.0.1:9641",
		     "RINGTAIL_SERVICE_HOST=10.0.0.1", "RINGTAIL_CLUSTER=", "CLUSTER_NAME=prod"),
		"sink: stdout", SETTINGS_AGENT);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.settings->sink, "stdout");
	assert_string_equal(loaded.settings->cluster, "prod");
}

static void other_variables_are_honoured_in_their_order(void **state)
{
	static const char *const names[] = { "RINGTAIL_REGION=a", "REGION=b", "AWS_REGION=c",
					     "AWS_DEFAULT_REGION=d", NULL };
	static const char *const expected[] = { "a", "b", "c", "d", "f" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		_cleanup_loaded_ struct loaded loaded =
			load(NONE, names + i, "region: f", SETTINGS_SHOW);

		assert_loaded(&loaded);
		assert_string_equal(loaded.settings->region, expected[i]);
	}
}

static void an_own_variable_comes_before_the_others(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(NONE,
		     LIST("CLUSTER_NAME=other", "RINGTAIL_CLUSTER=own", "NODE_NAME=other",
			  "RINGTAIL_NODE=own"),
		     NULL, SETTINGS_AGENT);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.settings->cluster, "own");
	assert_string_equal(loaded.settings->node, "own");
}

static void a_missing_or_unreadable_file_is_refused_by_name(void **state)
{
	_cleanup_loaded_ struct loaded missing = { 0 }, directory = { 0 };
	char *const environment[] = { NULL };

	(void)state;
	assert_int_equal(settings_source_new(&missing.source), 0);
	assert_int_equal(settings_load(missing.source, "no.yaml", environment, SETTINGS_SHOW,
				       &missing.settings, &missing.error),
			 -ENOENT);
	assert_string_equal(
		missing.error,
		"no.yaml: No such file or directory; give -c a readable configuration file "
		"of at most 256KiB");
	assert_int_equal(settings_source_new(&directory.source), 0);
	assert_int_equal(settings_load(directory.source, "/", environment, SETTINGS_SHOW,
				       &directory.settings, &directory.error),
			 -EISDIR);
}

static void loading_again_reads_file_and_environment_anew_and_keeps_the_flags(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(LIST("--sink=stdout", "--containers-labels=a"),
		     LIST("NODE_NAME=n", "RINGTAIL_CAPTURE_CGROUPS=/a", "RINGTAIL_POD_LOGS_DIR=/x"),
		     "log_level: debug\nnamespaces: {exclude: [x]}", SETTINGS_AGENT);
	_cleanup_(settings_freep) struct settings *again = NULL;
	char *const environment[] = { "NODE_NAME=m", "RINGTAIL_CAPTURE_CGROUPS=/b", NULL };

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.settings->log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(loaded.settings->pod_logs_dir, "/x");
	write_file("namespaces: {exclude: [y]}");
	assert_int_equal(settings_load(loaded.source, "c.yaml", environment, SETTINGS_AGENT, &again,
				       &loaded.error),
			 0);
	assert_int_equal(again->log_level, LOG_LEVEL_INFO);
	assert_string_equal(again->node, "m");
	assert_string_equal(again->pod_logs_dir, "/var/log/pods");
	assert_int_equal(again->capture.cgroups.count, 1);
	assert_string_equal(again->capture.cgroups.items[0], "/b");
	assert_int_equal(again->namespaces.exclude.count, 1);
	assert_string_equal(again->namespaces.exclude.items[0], "y");
	assert_int_equal(again->containers.labels.count, 1);
	assert_int_equal(again->sink_kind, SINK_STDOUT);
}

static void redact_is_refused_by_all_that_would_show_lines(void **state)
{
	static const char file[] = "redact:\n- {pattern: 'a', replace: 'b'}\n";
	static const enum settings_user users[] = { SETTINGS_AGENT, SETTINGS_RUN, SETTINGS_TAP };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		_cleanup_loaded_ struct loaded loaded =
			load(LIST("--cluster=c", "--node=n"), NONE, file, users[i]);
		_cleanup_loaded_ struct loaded empty =
			load(LIST("--cluster=c", "--node=n"), NONE, "redact: []", users[i]);

		assert_refused(&loaded, "c.yaml:1: redact: not available in this version; remove "
					"it, lines would be "
					"sent unredacted");
		assert_loaded(&empty);
	}
}

static void collect_key(void *context, const char *key)
{
	strcat(strcat(context, key), " ");
}

static void keys_without_effect_are_told_when_the_user_asked_for_something(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(LIST("--journal-units=a", "--no-containers-read-from-head"),
		     LIST("RINGTAIL_LISTEN=0.0.0.0:1"),
		     "limits: {rate: 0, line: 4096}\nmultiline: []\ncloudwatch: {role_arn: '', "
		     "fips: true, external_id: x, entity: false}",
		     SETTINGS_SHOW);
	char keys[500] = "";

	(void)state;
	assert_loaded(&loaded);
	settings_each_without_effect(loaded.source, collect_key, keys);
	assert_string_equal(keys, "journal.units cloudwatch.external_id listen ");
}

static void a_misspelt_flag_gets_a_suggestion_and_a_foreign_one_does_not(void **state)
{
	_cleanup_free_ char *near = settings_suggest_flag("--containers-gruop=x");
	_cleanup_free_ char *far = settings_suggest_flag("--frobnicate");

	(void)state;
	assert_string_equal(near, "--containers-group");
	assert_null(far);
	assert_null(settings_suggest_flag(
		"--this-is-a-flag-that-is-longer-than-any-key-could-ever-be"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_origin_yields_to_the_next_higher_one),
		cmocka_unit_test(a_higher_origin_replaces_a_whole_list),
		cmocka_unit_test(
			a_repeated_flag_appends_to_lists_maps_and_rules_and_replaces_a_scalar),
		cmocka_unit_test(the_defaults_are_those_of_the_contract),
		cmocka_unit_test(switches_are_true_alone_and_false_with_no),
		cmocka_unit_test(a_flag_takes_the_next_argument_for_its_value_a_switch_does_not),
		cmocka_unit_test(wrong_flags_are_refused_by_name),
		cmocka_unit_test(
			a_wrong_value_is_told_with_its_origin_even_where_a_higher_one_hides_it),
		cmocka_unit_test(empty_variables_count_as_unset_and_unknown_ones_are_ignored),
		cmocka_unit_test(other_variables_are_honoured_in_their_order),
		cmocka_unit_test(an_own_variable_comes_before_the_others),
		cmocka_unit_test(a_missing_or_unreadable_file_is_refused_by_name),
		cmocka_unit_test(loading_again_reads_file_and_environment_anew_and_keeps_the_flags),
		cmocka_unit_test(redact_is_refused_by_all_that_would_show_lines),
		cmocka_unit_test(keys_without_effect_are_told_when_the_user_asked_for_something),
		cmocka_unit_test(a_misspelt_flag_gets_a_suggestion_and_a_foreign_one_does_not),
	};

	return cmocka_run_group_tests(tests, enter_own_directory, leave_own_directory);
}
