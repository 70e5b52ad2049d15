/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "cli/commands.h"

enum { OPTION_WIDTH = 30 };

static void print_option(const struct command_option *option, FILE *out)
{
	char letter[] = "-x, ", left[64];

	letter[1] = option->letter;
	snprintf(left, sizeof(left), "%s--%s%s%s", option->letter ? letter : "    ", option->name,
		 option->value ? " " : "", option->value ? option->value : "");
	fprintf(out, "  %-*s  %s\n", OPTION_WIDTH, left, option->help);
}

static void print_common(FILE *out)
{
	for (const struct command_option *option = commands_common_options(); option->name;
	     option++)
		print_option(option, out);
	fputs("\nEvery configuration key is a flag too: --limits-line 64KiB for limits.line.\n"
	      "`ringtail config --defaults` lists them; ringtail(8) tells more.\n",
	      out);
}

static void print_all(FILE *out)
{
	fputs("Usage: ringtail COMMAND [OPTION...]\n\n"
	      "Collects what containers on this node write, by eBPF, and delivers it to CloudWatch "
	      "Logs.\n\n"
	      "Commands:\n",
	      out);
	for (const struct command *command = commands_table(); command->name; command++)
		fprintf(out, "  %-8s  %s\n", command->name, command->help);
	fputs("\nOptions:\n", out);
	print_common(out);
	fputs("`ringtail COMMAND --help` lists a command's own options.\n", out);
}

void help_print(const struct command *command, FILE *out)
{
	if (!command) {
		print_all(out);
		return;
	}
	fprintf(out, "Usage: ringtail %s %s\n\n%c%s.\n\nOptions:\n", command->name, command->usage,
		command->help[0] - 'a' + 'A', command->help + 1);
	for (const struct command_option *option = command->options; option->name; option++)
		print_option(option, out);
	print_common(out);
}

void help_print_version(FILE *out)
{
	fputs("ringtail " RINGTAIL_VERSION "\n", out);
}
