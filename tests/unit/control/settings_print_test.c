/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_table.h"

static char *printed(const struct loaded *loaded)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(settings_print(loaded->source, loaded->settings, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *printed_defaults(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(settings_print_defaults(out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Each line's comment is cut off: origins differ, values must not. */
static void cut_comments(char *text)
{
	char *to = text;

	while (*text) {
		char *end = strchrnul(text, '\n');
		char *comment = memmem(text, (size_t)(end - text), " # ", 3);
		size_t length = (size_t)((comment ? comment : end) - text);

		memmove(to, text, length);
		to += length;
		*to++ = '\n';
		text = *end ? end + 1 : end;
	}
	*to = '\0';
}

static void assert_has_line(const char *text, const char *line)
{
	const char *found = strstr(text, line);

	if (!found || (found > text && found[-1] != '\n') || found[strlen(line)] != '\n')
		fail_msg("no line \"%s\" in\n%s", line, text);
}

static void each_value_tells_its_origin(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(LIST("--sink=stdout", "--no-containers-process"),
		     LIST("REGION=eu-west-1", "RINGTAIL_LIMITS_LINE=4096"),
		     "# one\nnamespaces:\n  exclude:\n  - a\n  - 'b*'\n", SETTINGS_SHOW);
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_loaded(&loaded);
	text = printed(&loaded);
	assert_has_line(text, "sink: stdout # flag --sink");
	assert_has_line(text, "region: eu-west-1 # environment REGION");
	assert_has_line(text, "  line: 4KiB # environment RINGTAIL_LIMITS_LINE");
	assert_has_line(text, "  exclude: [a, \"b*\"] # c.yaml:3");
	assert_has_line(text, "  process: false # flag --no-containers-process");
	assert_has_line(text, "  group: /eks/${cluster}/containers # default");
}

static void what_is_printed_gives_the_same_values_again(void **state)
{
	_cleanup_loaded_ struct loaded first = load(
		LIST("--cluster=true", "--node=1.5", "--sink=file:/tmp/a b#c",
		     "--containers-group=a: $${ # \"x\\",
		     "--containers-extra=a=,b={x},\xc3\xa4=\xf0\x9f\xa6\x9d",
		     "--containers-labels=*,a:b,null,'q',\xe2\x80\xa8", "--limits-line=1025",
		     "--limits-rate=3GiB", "--containers-max-age=90m",
		     "--multiline=[{\"match\":{\"pod\":[\"*\",\"a\"]},\"start\":\"^\\\\d: "
		     "\\\"#\\n\\t\\u007f\\ufeff'\"}]",
		     "--redact=[{\"pattern\":\"404\",\"replace\":\"\"}]", "--kubelet-enabled",
		     "--capture-ring-size=3MiB", "--cloudwatch-retention-days=30",
		     "--cloudwatch-tags=k=v", "--kubelet-ca-file=", "--cloudwatch-compression=none",
		     "--log-level=warn", "--listen=[::]:9641"),
		NONE, NULL, SETTINGS_SHOW);
	_cleanup_loaded_ struct loaded second = { 0 };
	_cleanup_free_ char *before = NULL, *after = NULL;

	(void)state;
	assert_loaded(&first);
	before = printed(&first);
	second = load(NONE, NONE, before, SETTINGS_SHOW);
	assert_loaded(&second);
	after = printed(&second);
	cut_comments(before);
	cut_comments(after);
	assert_string_equal(before, after);
	assert_string_equal(first.settings->multiline, second.settings->multiline);
	assert_string_equal(first.settings->containers.group, second.settings->containers.group);
	assert_string_equal(first.settings->containers.labels.items[4],
			    second.settings->containers.labels.items[4]);
	assert_null(second.settings->kubelet.ca_file);
}

/* As a user would: one # less on each line. */
static char *uncommented(const char *text)
{
	char *result = calloc(1, strlen(text) + 1), *to = result;
	bool line_begins = true;

	assert_non_null(result);
	for (; *text; text++) {
		if (!(line_begins && *text == '#'))
			*to++ = *text;
		line_begins = *text == '\n';
	}
	return result;
}

static void the_file_of_defaults_changes_nothing_with_and_without_its_comment_signs(void **state)
{
	_cleanup_free_ char *file = printed_defaults();
	_cleanup_free_ char *without = uncommented(file);
	_cleanup_loaded_ struct loaded none =
		load(NONE, LIST("CLUSTER_NAME=c"), "", SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded commented =
		load(NONE, LIST("CLUSTER_NAME=c"), file, SETTINGS_AGENT);
	_cleanup_loaded_ struct loaded live =
		load(NONE, LIST("CLUSTER_NAME=c"), without, SETTINGS_AGENT);
	_cleanup_free_ char *expected = NULL, *plain = NULL, *given = NULL;

	(void)state;
	assert_loaded(&none);
	assert_loaded(&commented);
	assert_loaded(&live);
	expected = printed(&none);
	plain = printed(&commented);
	given = printed(&live);
	assert_string_equal(plain, expected);
	assert_non_null(strstr(given, "log_format: text # c.yaml:"));
	cut_comments(expected);
	cut_comments(given);
	assert_string_equal(given, expected);
}

static void the_file_of_defaults_has_every_key_with_its_help(void **state)
{
	_cleanup_free_ char *file = printed_defaults();
	size_t count;
	const struct setting *table = settings_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *dot = strchr(table[i].name, '.');
		char line[100], help[21];

		snprintf(line, sizeof(line), "\n#%s%s: ", dot ? "  " : "",
			 dot ? dot + 1 : table[i].name);
		snprintf(help, sizeof(help), "%s", table[i].help);
		if (!strstr(file, line) || !strstr(file, help))
			fail_msg("%s is missing", table[i].name);
	}
	for (const char *at = file; *at; at = strchrnul(at, '\n') + 1)
		assert_true(strncmp(at, "##", 2) != 0 || strcspn(at, "\n") <= 100);
}

static void a_full_disk_is_an_error(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(NONE, NONE, NULL, SETTINGS_SHOW);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(settings_print(loaded.source, loaded.settings, full), -EIO);
	assert_int_equal(settings_print_defaults(full), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_tells_its_origin),
		cmocka_unit_test(what_is_printed_gives_the_same_values_again),
		cmocka_unit_test(
			the_file_of_defaults_changes_nothing_with_and_without_its_comment_signs),
		cmocka_unit_test(the_file_of_defaults_has_every_key_with_its_help),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, enter_own_directory, leave_own_directory);
}
