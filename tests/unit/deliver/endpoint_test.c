/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/endpoint.h"

static int clear_environment(void **state)
{
	(void)state;
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS");
	unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	return 0;
}

static void check(const struct endpoint_options *options, const char *url, const char *host,
		  const char *path, const char *region)
{
	_cleanup_(endpoint_freep) struct endpoint *endpoint = NULL;
	_cleanup_free_ char *error = NULL;

	assert_int_equal(endpoint_new(options, &endpoint, &error), 0);
	assert_null(error);
	assert_string_equal(endpoint->url, url);
	assert_string_equal(endpoint->host, host);
	assert_string_equal(endpoint->path, path);
	assert_string_equal(endpoint->region, region);
}

static void check_refused(const struct endpoint_options *options, const char *words)
{
	struct endpoint *endpoint = NULL;
	_cleanup_free_ char *error = NULL;

	assert_int_equal(endpoint_new(options, &endpoint, &error), -EINVAL);
	assert_null(endpoint);
	assert_non_null(strstr(error, words));
	assert_null(strstr(error, "secret"));
}

static void check_region(const char *region, bool fips, bool dualstack, const char *host)
{
	const struct endpoint_options options = { .region = region,
						  .fips = fips,
						  .dualstack = dualstack };
	_cleanup_free_ char *url = NULL;

	assert_true(asprintf(&url, "https://%s/", host) > 0);
	check(&options, url, host, "/", region);
}

static void each_partition_has_its_hosts(void **state)
{
	(void)state;
	check_region("eu-central-1", false, false, "logs.eu-central-1.amazonaws.com");
	check_region("cn-north-1", false, false, "logs.cn-north-1.amazonaws.com.cn");
	check_region("us-gov-west-1", false, false, "logs.us-gov-west-1.amazonaws.com");
	check_region("eusc-de-east-1", false, false, "logs.eusc-de-east-1.amazonaws.eu");
	check_region("us-iso-east-1", false, false, "logs.us-iso-east-1.c2s.ic.gov");
	check_region("us-isob-east-1", false, false, "logs.us-isob-east-1.sc2s.sgov.gov");
	check_region("eu-isoe-west-1", false, false, "logs.eu-isoe-west-1.cloud.adc-e.uk");
	check_region("us-isof-south-1", false, false, "logs.us-isof-south-1.csp.hci.ic.gov");
}

static void fips_and_dualstack_choose_other_hosts(void **state)
{
	(void)state;
	check_region("us-east-1", true, false, "logs-fips.us-east-1.amazonaws.com");
	check_region("us-east-1", false, true, "logs.us-east-1.api.aws");
	check_region("us-east-1", true, true, "logs-fips.us-east-1.api.aws");
	check_region("us-gov-west-1", true, false, "logs.us-gov-west-1.amazonaws.com");
	check_region("cn-north-1", false, true, "logs.cn-north-1.api.amazonwebservices.com.cn");
	check_refused(&(struct endpoint_options){ .region = "us-iso-east-1", .dualstack = true },
		      "dual-stack");
}

static void an_option_wins_over_the_services_variable_over_the_common_one(void **state)
{
	const struct endpoint_options plain = { .region = "r-1" };
	const struct endpoint_options option = { .region = "r-1",
						 .endpoint = "http://option:8080" };

	(void)state;
	setenv("AWS_ENDPOINT_URL", "http://common", 1);
	check(&plain, "http://common/", "common", "/", "r-1");
	setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "https://service:443/path/", 1);
	check(&plain, "https://service:443/path/", "service", "/path/", "r-1");
	check(&option, "http://option:8080/", "option:8080", "/", "r-1");
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True", 1);
	check(&plain, "https://logs.r-1.amazonaws.com/", "logs.r-1.amazonaws.com", "/", "r-1");
	check(&option, "http://option:8080/", "option:8080", "/", "r-1");
}

static void a_given_endpoint_needs_no_region(void **state)
{
	(void)state;
	check(&(struct endpoint_options){ .endpoint = "http://[::1]:4566" }, "http://[::1]:4566/",
	      "[::1]:4566", "/", "us-east-1");
	check_refused(&(struct endpoint_options){ 0 }, "Region");
}

static void what_is_no_endpoint_is_refused_without_showing_it(void **state)
{
	static const char *const endpoints[] = {
		"ftp://secret",		"file:///secret", "http://user:secret@host",
		"http://secret@host",	"http://",	  "https://host/?secret",
		"https://host/#secret", "secret",	  "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		check_refused(
			&(struct endpoint_options){ .region = "r-1", .endpoint = endpoints[i] },
			"http");
}

static void a_region_cannot_lead_to_another_host(void **state)
{
	static const char *const regions[] = {
		"", "evil.example/", "us east 1", "US-EAST-1", "-x", "x-", "a@b", "a.b"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		check_refused(&(struct endpoint_options){ .region = regions[i] }, "Region");
}

static void fips_does_not_go_with_a_given_endpoint(void **state)
{
	(void)state;
	check_refused(
		&(struct endpoint_options){ .region = "r-1", .endpoint = "http://h", .fips = true },
		"fips");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_partition_has_its_hosts, clear_environment),
		cmocka_unit_test_setup(fips_and_dualstack_choose_other_hosts, clear_environment),
		cmocka_unit_test_setup(
			an_option_wins_over_the_services_variable_over_the_common_one,
			clear_environment),
		cmocka_unit_test_setup(a_given_endpoint_needs_no_region, clear_environment),
		cmocka_unit_test_setup(what_is_no_endpoint_is_refused_without_showing_it,
				       clear_environment),
		cmocka_unit_test_setup(a_region_cannot_lead_to_another_host, clear_environment),
		cmocka_unit_test_setup(fips_does_not_go_with_a_given_endpoint, clear_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
