/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"

/* The table of commands points at them; nothing here calls them. */
int agent_main(const struct invocation *invocation)
{
	(void)invocation;
	return -1;
}

int tap_main(const struct invocation *invocation)
{
	(void)invocation;
	return -1;
}

int run_main(const struct invocation *invocation)
{
	(void)invocation;
	return -1;
}

struct parsed {
	struct invocation invocation;
	char *error;
	int result;
};

static void parsed_release(struct parsed *parsed)
{
	invocation_release(&parsed->invocation);
	free(parsed->error);
}
#define _cleanup_parsed_ _cleanup_(parsed_release)

#define PARSE(...) parse((const char *const[]){ "ringtail", ##__VA_ARGS__, NULL })

static struct parsed parse(const char *const *arguments)
{
	struct parsed parsed = { 0 };

	parsed.result =
		options_parse((char **)(uintptr_t)arguments, &parsed.invocation, &parsed.error);
	return parsed;
}

static void assert_command(const struct parsed *parsed, const char *name)
{
	if (parsed->result < 0)
		fail_msg("%s", parsed->error ? parsed->error : strerror(-parsed->result));
	assert_non_null(parsed->invocation.command);
	assert_string_equal(parsed->invocation.command->name, name);
}

static void every_command_of_the_table_is_found(void **state)
{
	static const char *const names[] = { "agent", "tap", "run", "config" };
	size_t count = 0;

	(void)state;
	for (const struct command *command = commands_table(); command->name; command++)
		assert_string_equal(command->name, names[count++]);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++) {
		_cleanup_parsed_ struct parsed parsed = PARSE(names[i], "x");

		assert_ptr_equal(commands_find(names[i])->name, commands_table()[i].name);
		if (i == 1 || i == 2)
			assert_command(&parsed, names[i]);
	}
	assert_null(commands_find("top"));
}

static void no_command_is_answered_with_the_usage(void **state)
{
	_cleanup_parsed_ struct parsed none = PARSE();
	_cleanup_parsed_ struct parsed flags_only = PARSE("--sink=stdout", "-c", "x");

	(void)state;
	assert_int_equal(none.result, -ENOENT);
	assert_null(none.error);
	assert_int_equal(flags_only.result, -ENOENT);
	assert_null(flags_only.error);
}

static void wrong_command_lines_are_refused_with_a_remedy(void **state)
{
	static const struct {
		const char *arguments[6];
		const char *error;
	} cases[] = {
		{ { "agnt" }, "unknown command agnt; give agent, tap, run or config" },
		{ { "a\x1b[2J" }, "unknown command a\\x1b[2J; give agent, tap, run or config" },
		{ { "agent", "x" }, "unexpected argument x; see ringtail agent --help" },
		{ { "agent", "--", "-x" }, "unexpected argument -x; see ringtail agent --help" },
		{ { "agent", "--frob=secret" },
		  "unknown option --frob; see ringtail agent --help" },
		{ { "--frob" }, "unknown option --frob; see ringtail --help" },
		{ { "agent", "-x" }, "unknown option -x; see ringtail agent --help" },
		{ { "agent", "--sinks=x" },
		  "unknown option --sinks; did you mean --sink? Or see ringtail agent --help" },
		{ { "agent", "--namespace=x" },
		  "unknown option --namespace; see ringtail agent --help" },
		{ { "--stream=stdout", "tap" }, "unknown option --stream; see ringtail --help" },
		{ { "agent", "-c" }, "--config has no value; give FILE" },
		{ { "agent", "-c", "" }, "--config: is empty; give FILE" },
		{ { "agent", "--help=yes" }, "--help takes no value; leave it out" },
		{ { "agent", "--sink" }, "flag --sink: sink: has no value; give one behind it" },
		{ { "run" }, "no command to run; give ringtail run -- COMMAND [ARG...]" },
		{ { "run", "--sink=stdout", "--" },
		  "no command to run; give ringtail run -- COMMAND [ARG...]" },
		{ { "tap", "a", "b" },
		  "unexpected argument b; tap takes one POD[/CONTAINER], a glob for several" },
		{ { "tap", "" },
		  "\"\" is not POD[/CONTAINER]; give names or globs, such as 'web-*/app'" },
		{ { "tap", "/app" },
		  "\"/app\" is not POD[/CONTAINER]; give names or globs, such as 'web-*/app'" },
		{ { "tap", "a/" },
		  "\"a/\" is not POD[/CONTAINER]; give names or globs, such as 'web-*/app'" },
		{ { "tap", "a/b/c" },
		  "\"a/b/c\" is not POD[/CONTAINER]; give names or globs, such as 'web-*/app'" },
		{ { "tap", "a/b", "--container", "b" },
		  "--container: a/b names the container too; leave one out" },
		{ { "tap", "--container=b", "a/b" },
		  "--container: a/b names the container too; leave one out" },
		{ { "tap", "-o", "xml" },
		  "--output: \"xml\" is not known here; give text|json|raw" },
		{ { "tap", "--stream=both" },
		  "--stream: \"both\" is not known here; give stdout|stderr" },
		{ { "tap", "--duration=10" },
		  "--duration: \"10\" is not a duration; give a whole number above 0 with its "
		  "unit, one of ms s m h d" },
		{ { "tap", "--duration=0s" },
		  "--duration: \"0s\" is not a duration; give a whole number above 0 with its "
		  "unit, one of ms s m h d" },
		{ { "tap", "--max-lines=0" },
		  "--max-lines: \"0\" is not a number; give a whole number above 0" },
		{ { "tap", "--max-lines", "-5" },
		  "--max-lines: \"-5\" is not a number; give a whole number above 0" },
		{ { "tap", "-n", "" }, "--namespace: is empty; give NAMESPACE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const *a = cases[i].arguments;
		_cleanup_parsed_ struct parsed parsed = PARSE(a[0], a[1], a[2], a[3], a[4]);

		assert_int_equal(parsed.result, -EINVAL);
		assert_non_null(parsed.error);
		assert_string_equal(parsed.error, cases[i].error);
		assert_null(parsed.invocation.source);
	}
}

static void options_of_tap_fill_the_invocation(void **state)
{
	_cleanup_parsed_ struct parsed parsed =
		PARSE("tap", "-nshop", "--stream", "stderr", "web-*/app", "-o=json", "--cgroup=/x",
		      "--duration", "10s", "--max-lines=3");
	const struct invocation *invocation = &parsed.invocation;

	(void)state;
	assert_command(&parsed, "tap");
	assert_string_equal(invocation->tap.pod, "web-*");
	assert_string_equal(invocation->tap.container, "app");
	assert_string_equal(invocation->tap.namespace, "shop");
	assert_string_equal(invocation->tap.cgroup, "/x");
	assert_int_equal(invocation->tap.stream, OUTPUT_STDERR);
	assert_int_equal(invocation->tap.output, TAP_OUTPUT_JSON);
	assert_int_equal(invocation->tap.duration_ms, 10000);
	assert_int_equal(invocation->tap.max_lines, 3);
	assert_null(invocation->arguments[0]);
}

static void tap_alone_means_everything(void **state)
{
	_cleanup_parsed_ struct parsed parsed = PARSE("tap");

	(void)state;
	assert_command(&parsed, "tap");
	assert_null(parsed.invocation.tap.pod);
	assert_null(parsed.invocation.tap.container);
	assert_int_equal(parsed.invocation.tap.stream, 0);
	assert_int_equal(parsed.invocation.tap.output, TAP_OUTPUT_TEXT);
}

static void what_follows_run_s_options_is_the_command_untouched(void **state)
{
	_cleanup_parsed_ struct parsed plain =
		PARSE("run", "--sink=stdout", "ls", "--help", "-c", "--", "--sink=x");
	_cleanup_parsed_ struct parsed dashes = PARSE("run", "--", "--odd", "-h");

	(void)state;
	assert_command(&plain, "run");
	assert_false(plain.invocation.help);
	assert_null(plain.invocation.config_file);
	assert_string_equal(plain.invocation.arguments[0], "ls");
	assert_string_equal(plain.invocation.arguments[1], "--help");
	assert_string_equal(plain.invocation.arguments[3], "--");
	assert_string_equal(plain.invocation.arguments[4], "--sink=x");
	assert_null(plain.invocation.arguments[5]);
	assert_command(&dashes, "run");
	assert_string_equal(dashes.invocation.arguments[0], "--odd");
	assert_string_equal(dashes.invocation.arguments[1], "-h");
}

static void common_options_stand_before_or_behind_the_command(void **state)
{
	_cleanup_parsed_ struct parsed before = PARSE("-c", "f", "--sink", "stdout", "agent");
	_cleanup_parsed_ struct parsed behind = PARSE("agent", "--config=f", "--sink=stdout");

	(void)state;
	assert_command(&before, "agent");
	assert_string_equal(before.invocation.config_file, "f");
	assert_command(&behind, "agent");
	assert_string_equal(behind.invocation.config_file, "f");
}

static void help_and_version_are_answered_wherever_they_stand(void **state)
{
	_cleanup_parsed_ struct parsed top = PARSE("--help");
	_cleanup_parsed_ struct parsed letter = PARSE("tap", "-h", "--unknown");
	_cleanup_parsed_ struct parsed run = PARSE("run", "--help");
	_cleanup_parsed_ struct parsed version = PARSE("--version");
	_cleanup_parsed_ struct parsed behind = PARSE("agent", "--version");

	(void)state;
	assert_int_equal(top.result, 0);
	assert_true(top.invocation.help);
	assert_null(top.invocation.command);
	assert_true(letter.invocation.help);
	assert_command(&letter, "tap");
	assert_true(run.invocation.help);
	assert_true(version.invocation.version);
	assert_true(behind.invocation.version);
}

static void keys_reach_the_settings(void **state)
{
	_cleanup_parsed_ struct parsed parsed =
		PARSE("agent", "--sink", "stdout", "--no-containers-process", "--node=n",
		      "--cluster", "c");

	(void)state;
	assert_command(&parsed, "agent");
	assert_int_equal(invocation_load(&parsed.invocation, SETTINGS_AGENT, &parsed.error), 0);
	assert_string_equal(parsed.invocation.settings->sink, "stdout");
	assert_string_equal(parsed.invocation.settings->cluster, "c");
}

static char *help_of(const struct command *command)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	help_print(command, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void help_fits_a_screen_and_names_every_option(void **state)
{
	(void)state;
	for (const struct command *command = commands_table(); command->name; command++) {
		_cleanup_free_ char *top = help_of(NULL), *text = help_of(command);
		size_t lines = 0;

		assert_non_null(strstr(top, command->help));
		for (const struct command_option *option = command->options; option->name;
		     option++) {
			char name[64];

			snprintf(name, sizeof(name), "--%s", option->name);
			assert_non_null(strstr(text, name));
			assert_non_null(strstr(text, option->help));
		}
		for (const char *at = text; *at; at = strchr(at, '\n') + 1, lines++)
			assert_true(strcspn(at, "\n") <= 100);
		assert_true(lines <= 24);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_of_the_table_is_found),
		cmocka_unit_test(no_command_is_answered_with_the_usage),
		cmocka_unit_test(wrong_command_lines_are_refused_with_a_remedy),
		cmocka_unit_test(options_of_tap_fill_the_invocation),
		cmocka_unit_test(tap_alone_means_everything),
		cmocka_unit_test(what_follows_run_s_options_is_the_command_untouched),
		cmocka_unit_test(common_options_stand_before_or_behind_the_command),
		cmocka_unit_test(help_and_version_are_answered_wherever_they_stand),
		cmocka_unit_test(keys_reach_the_settings),
		cmocka_unit_test(help_fits_a_screen_and_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
