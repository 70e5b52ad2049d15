/* SPDX-License-Identifier: Apache-2.0 */
#include "control/yaml_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "control/text.h"

/* What YAML 1.1 readers take for a boolean or null, in any case. */
static bool is_reserved(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no",  "on",
					     "off",  "y",     "n",   "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool is_plain(enum yaml_context context, const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
	const char *at = text;

	if (!isalpha((unsigned char)*text) && *text != '/' &&
	    !(*text == '$' && context == YAML_BLOCK))
		return false;
	while (*at) {
		at += strspn(at, letters);
		if (context == YAML_FLOW)
			break;
		at += strspn(at, "${}");
		if (*at == ':' && at[1] && at[1] != ' ')
			at++;
		else if (*at && !strchr(letters, *at) && !strchr("${}", *at))
			break;
	}
	return !*at && !is_reserved(text);
}

static void write_escaped(FILE *out, uint32_t code, const char *bytes, size_t length)
{
	if (code == '"' || code == '\\')
		fprintf(out, "\\%c", (int)code);
	else if (code == '\n')
		fputs("\\n", out);
	else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		fprintf(out, "\\x%02" PRIx32, code);
	else if ((code >= 0x2028 && code <= 0x2029) || code == 0xfeff || code == 0xfffe ||
		 code == 0xffff)
		fprintf(out, "\\u%04" PRIx32, code);
	else
		fwrite(bytes, 1, length, out);
}

void yaml_write_text(FILE *out, enum yaml_context context, const char *text)
{
	if (is_plain(context, text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	while (*text) {
		const char *next = text;
		uint32_t code;

		if (text_next(&next, &code) < 0) {
			next = text + 1;
			fputs("\\ufffd", out);
		} else {
			write_escaped(out, code, text, (size_t)(next - text));
		}
		text = next;
	}
	fputc('"', out);
}

void yaml_write_json(FILE *out, const json_t *value)
{
	const char *key;
	json_t *member;

	if (json_is_array(value)) {
		fputc('[', out);
		for (size_t i = 0; i < json_array_size(value); i++) {
			fputs(i ? ", " : "", out);
			yaml_write_json(out, json_array_get(value, i));
		}
		fputc(']', out);
	} else if (json_is_object(value)) {
		const char *separator = "{";

		json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
			fputs(separator, out);
			yaml_write_text(out, YAML_FLOW, key);
			fputs(": ", out);
			yaml_write_json(out, member);
			separator = ", ";
		}
		fputs(json_object_size(value) ? "}" : "{}", out);
	} else {
		yaml_write_text(out, YAML_FLOW, json_string_value(value));
	}
}
