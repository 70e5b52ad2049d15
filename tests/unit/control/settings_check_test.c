/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_check.h"
#include "control/settings_input.h"

typedef int (*checker)(const struct setting_input *input, char **ret_what);

static int check_text(checker check, const char *text, char **ret_what)
{
	struct setting_input input = { .text = (char *)(uintptr_t)text };

	return check(&input, ret_what);
}

static void good_texts_pass(void **state)
{
	static const struct {
		checker check;
		const char *text;
	} cases[] = {
		{ check_sink, "cloudwatch" },
		{ check_sink, "stdout" },
		{ check_sink, "file:/tmp/x" },
		{ check_region, "us-gov-west-1" },
		{ check_template, "/eks/${cluster}/$${x}/${label:app.kubernetes.io/name}" },
		{ check_listen, "127.0.0.1:9641" },
		{ check_listen, "0.0.0.0:1" },
		{ check_listen, "[::]:65535" },
		{ check_listen, "[fe80::1]:80" },
		{ check_url, "https://10.0.0.5:10250" },
		{ check_url, "http://[::1]:8080/base" },
		{ check_proxy, "proxy.example.com:3128" },
		{ check_proxy, "http://proxy:3128" },
		{ check_retention_days, "1" },
		{ check_retention_days, "3653" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *what = NULL;

		assert_int_equal(check_text(cases[i].check, cases[i].text, &what), 0);
	}
}

static void wrong_texts_are_refused(void **state)
{
	static const struct {
		checker check;
		const char *text;
	} cases[] = {
		{ check_sink, "Stdout" },
		{ check_sink, "file:" },
		{ check_sink, "/tmp/x" },
		{ check_region, "us-east-1.evil.example/" },
		{ check_region, "US-EAST-1" },
		{ check_template, "${nope}" },
		{ check_template, "${cluster" },
		{ check_listen, "9641" },
		{ check_listen, ":9641" },
		{ check_listen, "localhost:9641" },
		{ check_listen, "127.0.0.1" },
		{ check_listen, "127.0.0.1:" },
		{ check_listen, "127.0.0.1:0" },
		{ check_listen, "127.0.0.1:65536" },
		{ check_listen, "127.0.0.1:80x" },
		{ check_listen, "127.0.0.1.5:80" },
		{ check_listen, "::1:80" },
		{ check_listen, "[]:80" },
		{ check_listen, "[127.0.0.1]:80" },
		{ check_listen, "[::1:80" },
		{ check_listen, "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:80" },
		{ check_url, "example.com" },
		{ check_url, "https://" },
		{ check_url, "https:///path" },
		{ check_url, "https://:443" },
		{ check_url, "https://a b" },
		{ check_url, "ftp://example.com" },
		{ check_retention_days, "2" },
		{ check_retention_days, "3652" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_free_ char *what = NULL;

		if (check_text(cases[i].check, cases[i].text, &what) != -EINVAL)
			fail_msg("%s passed", cases[i].text);
		assert_non_null(strstr(what, "; "));
	}
}

static void credentials_in_an_address_are_refused_and_never_shown(void **state)
{
	static const char *const texts[] = { "https://user:secret@host", "http://secret@host",
					     "http://u:sec/ret@host", "https://a@secret@host/" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		_cleanup_free_ char *url = NULL, *proxy = NULL;

		assert_int_equal(check_text(check_url, texts[i], &url), -EINVAL);
		assert_int_equal(check_text(check_proxy, texts[i], &proxy), -EINVAL);
		assert_non_null(strstr(url, "credentials"));
		assert_non_null(strstr(proxy, "HTTPS_PROXY"));
		assert_null(strstr(url, "sec"));
		assert_null(strstr(proxy, "sec"));
	}
}

static void fields_that_a_record_has_anyway_are_no_extra_fields(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;

	(void)state;
	assert_int_equal(setting_input_add_pair(&input, "team", 4, "x", 1, &what), 0);
	assert_int_equal(check_extra(&input, &what), 0);
	assert_int_equal(setting_input_add_pair(&input, "log", 3, "x", 1, &what), 0);
	assert_int_equal(check_extra(&input, &what), -EINVAL);
	assert_string_equal(what, "\"log\" is a field of every record; give another name");
}

static int check_one_tag(size_t key_length, size_t value_length)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;
	char text[300];

	memset(text, 'a', sizeof(text));
	assert_int_equal(
		setting_input_add_pair(&input, text, key_length, text, value_length, &what), 0);
	return check_tags(&input, &what);
}

static void tags_are_held_to_the_bounds_of_cloudwatch(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;
	char key[16];

	(void)state;
	assert_int_equal(check_one_tag(128, 256), 0);
	assert_int_equal(check_one_tag(129, 1), -EINVAL);
	assert_int_equal(check_one_tag(1, 257), -EINVAL);
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(setting_input_add_pair(&input, key, strlen(key), "", 0, &what), 0);
	}
	assert_int_equal(check_tags(&input, &what), 0);
	assert_int_equal(setting_input_add_pair(&input, "aws:x", 5, "", 0, &what), 0);
	assert_int_equal(check_tags(&input, &what), -EINVAL);
	assert_string_equal(what, "holds 51 tags; CloudWatch takes 50 at most");
}

static void tags_of_aws_are_reserved(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;

	(void)state;
	assert_int_equal(setting_input_add_pair(&input, "AWS:x", 5, "", 0, &what), 0);
	assert_int_equal(check_tags(&input, &what), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_pass),
		cmocka_unit_test(wrong_texts_are_refused),
		cmocka_unit_test(credentials_in_an_address_are_refused_and_never_shown),
		cmocka_unit_test(fields_that_a_record_has_anyway_are_no_extra_fields),
		cmocka_unit_test(tags_are_held_to_the_bounds_of_cloudwatch),
		cmocka_unit_test(tags_of_aws_are_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
