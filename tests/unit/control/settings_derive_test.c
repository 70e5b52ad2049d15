/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_derive.h"

#define IN_KUBERNETES "KUBERNETES_SERVICE_HOST=10.0.0.1"

static void the_sink_depends_on_who_asks_unless_it_is_given(void **state)
{
	static const struct {
		enum settings_user user;
		enum sink_kind kind;
	} cases[] = {
		{ SETTINGS_AGENT, SINK_CLOUDWATCH },
		{ SETTINGS_RUN, SINK_STDOUT },
		{ SETTINGS_TAP, SINK_STDOUT },
		{ SETTINGS_SHOW, SINK_CLOUDWATCH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_loaded_ struct loaded preset =
			load(LIST("--cluster=c"), NONE, NULL, cases[i].user);
		_cleanup_loaded_ struct loaded given =
			load(LIST("--sink=file:/tmp/x"), NONE, NULL, cases[i].user);

		assert_loaded(&preset);
		assert_int_equal(preset.settings->sink_kind, cases[i].kind);
		assert_null(preset.settings->sink_path);
		assert_loaded(&given);
		assert_int_equal(given.settings->sink_kind, SINK_FILE);
		assert_string_equal(given.settings->sink_path, "/tmp/x");
		assert_string_equal(given.settings->sink, "file:/tmp/x");
	}
}

static void the_agent_needs_a_cluster_for_cloudwatch_and_says_how_to_give_it(void **state)
{
	_cleanup_loaded_ struct loaded none = load(NONE, NONE, NULL, SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded file = load(NONE, NONE, "sink: cloudwatch", SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded local =
		load(LIST("--sink=stdout"), NONE, NULL, SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded run =
		load(LIST("--sink=cloudwatch"), NONE, NULL, SETTINGS_RUN);
	_cleanup_loaded_ struct loaded show = load(NONE, NONE, NULL, SETTINGS_SHOW);

	(void)state;
	assert_refused(&none, "cluster: missing, the sink cloudwatch needs it; give --cluster, the "
			      "variable CLUSTER_NAME, or "
			      "cluster: in /etc/ringtail/ringtail.yaml");
	assert_refused(&file, "cluster: missing, the sink cloudwatch needs it; give --cluster, the "
			      "variable CLUSTER_NAME, or "
			      "cluster: in c.yaml");
	assert_loaded(&local);
	assert_string_equal(local.settings->cluster, "local");
	assert_loaded(&run);
	assert_string_equal(run.settings->cluster, "local");
	assert_loaded(&show);
	assert_null(show.settings->cluster);
}

static void the_hostname_is_the_node_only_outside_kubernetes(void **state)
{
	_cleanup_loaded_ struct loaded outside =
		load(LIST("--cluster=c"), NONE, NULL, SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded agent =
		load(LIST("--cluster=c"), LIST(IN_KUBERNETES), NULL, SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded named =
		load(LIST("--cluster=c"), LIST(IN_KUBERNETES, "NODE_NAME=n"), NULL, SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded tap = load(NONE, LIST(IN_KUBERNETES), NULL, SETTINGS_TAP);
	char hostname[256] = "";

	(void)state;
	assert_int_equal(gethostname(hostname, sizeof(hostname) - 1), 0);
	assert_loaded(&outside);
	assert_string_equal(outside.settings->node, hostname);
	assert_refused(&agent, "node: not known inside Kubernetes; set the variable NODE_NAME from "
			       "the field spec.nodeName, "
			       "or give --node");
	assert_loaded(&named);
	assert_string_equal(named.settings->node, "n");
	assert_loaded(&tap);
	assert_null(tap.settings->node);
}

static void rings_are_rounded_up_to_a_power_of_two(void **state)
{
	static const struct {
		const char *flag;
		uint64_t size;
	} cases[] = {
		{ "--capture-ring-size=64KiB", 65536 },
		{ "--capture-ring-size=65537", 131072 },
		{ "--capture-ring-size=5MiB", 8 << 20 },
		{ "--capture-ring-size=1GiB", 1 << 30 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_loaded_ struct loaded loaded =
			load(LIST(cases[i].flag), NONE, NULL, SETTINGS_SHOW);

		assert_loaded(&loaded);
		assert_int_equal(loaded.settings->capture.ring_size, cases[i].size);
	}
}

static void assert_kubelet_url(const struct loaded *loaded, const char *expected)
{
	_cleanup_free_ char *url = NULL;

	assert_loaded(loaded);
	assert_int_equal(settings_kubelet_url(loaded->settings, &url), 0);
	if (expected)
		assert_string_equal(url, expected);
	else
		assert_null(url);
}

static void the_kubelet_is_asked_at_its_url_the_node_s_address_or_name(void **state)
{
	_cleanup_loaded_ struct loaded off = load(
		LIST("--no-kubelet-enabled", "--kubelet-url=http://k"), NONE, NULL, SETTINGS_TAP);
	_cleanup_loaded_ struct loaded bare =
		load(LIST("--kubelet-token-file=/no/such"), NONE, NULL, SETTINGS_TAP);
	_cleanup_loaded_ struct loaded url = load(LIST("--kubelet-url=http://k:1"),
						  LIST("NODE_IP=10.0.0.5"), NULL, SETTINGS_TAP);
	_cleanup_loaded_ struct loaded token = load(LIST("--kubelet-token-file=/dev/null"),
						    LIST("NODE_IP=10.0.0.5"), NULL, SETTINGS_TAP);
	_cleanup_loaded_ struct loaded ipv6 =
		load(LIST("--kubelet-enabled"), LIST("NODE_IP=fd00::5"), NULL, SETTINGS_TAP);
	_cleanup_loaded_ struct loaded name =
		load(LIST("--kubelet-enabled"), LIST("NODE_NAME=n"), NULL, SETTINGS_TAP);

	(void)state;
	assert_kubelet_url(&off, NULL);
	assert_kubelet_url(&bare, NULL);
	assert_kubelet_url(&url, "http://k:1");
	assert_kubelet_url(&token, "https://10.0.0.5:10250");
	assert_kubelet_url(&ipv6, "https://[fd00::5]:10250");
	assert_kubelet_url(&name, "https://n:10250");
}

static void an_address_that_is_none_is_refused(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(NONE, LIST("NODE_IP=evil.example/x"), NULL, SETTINGS_TAP);

	(void)state;
	assert_refused(&loaded, "environment NODE_IP: not an IP address; set it from the field "
				"status.hostIP, or unset it");
}

static void a_variable_is_found_by_its_whole_name(void **state)
{
	static char first[] = "AB=1", second[] = "A=2", third[] = "A=3", empty[] = "E=";
	char *const environment[] = { first, second, third, empty, NULL };

	(void)state;
	assert_string_equal(environment_get(environment, "A"), "2");
	assert_string_equal(environment_get(environment, "AB"), "1");
	assert_null(environment_get(environment, "B"));
	assert_null(environment_get(environment, "E"));
	assert_null(environment_get(NULL, "A"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sink_depends_on_who_asks_unless_it_is_given),
		cmocka_unit_test(the_agent_needs_a_cluster_for_cloudwatch_and_says_how_to_give_it),
		cmocka_unit_test(the_hostname_is_the_node_only_outside_kubernetes),
		cmocka_unit_test(rings_are_rounded_up_to_a_power_of_two),
		cmocka_unit_test(the_kubelet_is_asked_at_its_url_the_node_s_address_or_name),
		cmocka_unit_test(an_address_that_is_none_is_refused),
		cmocka_unit_test(a_variable_is_found_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, enter_own_directory, leave_own_directory);
}
