/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/template.h"
#include "control/text.h"
#include "control/units.h"

int check_sink(const struct setting_input *input, char **ret_what)
{
	char shown[TEXT_SHOWN_SIZE];

	if (strcmp(input->text, "cloudwatch") == 0 || strcmp(input->text, "stdout") == 0)
		return 0;
	if (strncmp(input->text, "file:", 5) == 0 && input->text[5])
		return 0;
	text_show(input->text, shown);
	return text_complain(
		ret_what, "\"%s\" is not known here; give cloudwatch, stdout or file:PATH", shown);
}

int check_region(const struct setting_input *input, char **ret_what)
{
	char shown[TEXT_SHOWN_SIZE];

	if (strspn(input->text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(input->text))
		return 0;
	text_show(input->text, shown);
	return text_complain(ret_what, "\"%s\" is not an AWS Region; give one such as eu-central-1",
			     shown);
}

int check_template(const struct setting_input *input, char **ret_what)
{
	_cleanup_free_ char *error = NULL;
	int r = template_check(input->text, &error);
	char shown[TEXT_SHOWN_SIZE];

	if (r >= 0 || r == -ENOMEM)
		return r;
	text_show(error ? error : "wrong template", shown);
	return text_complain(ret_what,
			     "%s; ringtail(8) lists the variables, and $${ is a literal ${", shown);
}

static bool is_port(const char *text)
{
	uint64_t port;

	return strlen(text) <= 5 && units_parse_number(text, &port) == 0 && port >= 1 &&
	       port <= 65535;
}

static bool is_address(int family, const char *text, size_t length)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr unused;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	return inet_pton(family, address, &unused) == 1;
}

int check_listen(const struct setting_input *input, char **ret_what)
{
	const char *text = input->text, *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	char shown[TEXT_SHOWN_SIZE];
	bool good;

	if (colon && text[0] == '[')
		good = length > 2 && text[length - 1] == ']' &&
		       is_address(AF_INET6, text + 1, length - 2);
	else
		good = colon && is_address(AF_INET, text, length);
	if (good && is_port(colon + 1))
		return 0;
	text_show(text, shown);
	return text_complain(
		ret_what,
		"\"%s\" is not ADDRESS:PORT; give one such as 127.0.0.1:9641 or [::]:9641", shown);
}

/*
 * The text is not shown: it may hold a secret. An `@` anywhere is taken for the end of credentials,
 * as parsers differ in where they look for it.
 */
static int check_authority(const char *text, const char *remedy, char **ret_what)
{
	if (strchr(text, '@'))
		return text_complain(ret_what,
				     "holds credentials, which would show in ringtail config; %s",
				     remedy);
	if (strcspn(text, "/?#:") == 0 || strchr(text, ' '))
		return text_complain(ret_what,
				     "is not a URL; give one such as https://example.com:443");
	return 0;
}

int check_url(const struct setting_input *input, char **ret_what)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < 2; i++)
		if (strncmp(input->text, schemes[i], strlen(schemes[i])) == 0)
			return check_authority(input->text + strlen(schemes[i]), "remove them",
					       ret_what);
	return text_complain(ret_what, "is not a URL; begin it with https:// or http://");
}

int check_proxy(const struct setting_input *input, char **ret_what)
{
	const char *scheme_end = strstr(input->text, "://");

	return check_authority(scheme_end ? scheme_end + 3 : input->text,
			       "put the proxy into HTTPS_PROXY instead", ret_what);
}

int check_retention_days(const struct setting_input *input, char **ret_what)
{
	/* PutRetentionPolicy, API reference: RetentionInDays. */
	static const uint64_t periods[] = {
		1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180,
		365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
	};
	uint64_t days;

	if (units_parse_number(input->text, &days) < 0)
		return 0; /* the type says so, in better words */
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
		if (periods[i] == days)
			return 0;
	return text_complain(
		ret_what,
		"is no period of CloudWatch Logs; give 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, "
		"365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653");
}

int check_tags(const struct setting_input *input, char **ret_what)
{
	/*
	 * CreateLogGroup, API reference: at most 50 tags, keys of 1 to 128 and values of 0 to 256
	 * characters.
	 */
	const struct text_map *tags = &input->pairs;
	char shown[TEXT_SHOWN_SIZE];

	if (tags->count > 50)
		return text_complain(ret_what, "holds %zu tags; CloudWatch takes 50 at most",
				     tags->count);
	for (size_t i = 0; i < tags->count; i++) {
		text_show(tags->keys[i], shown);
		if (text_length(tags->keys[i]) > 128 || text_length(tags->values[i]) > 256)
			return text_complain(
				ret_what,
				"the tag \"%s\" is too long; give 128 characters for the key and "
				"256 for the value at most",
				shown);
		if (strncasecmp(tags->keys[i], "aws:", 4) == 0)
			return text_complain(ret_what,
					     "the tag \"%s\" is reserved by AWS; give another key",
					     shown);
	}
	return 0;
}

int check_extra(const struct setting_input *input, char **ret_what)
{
	static const char *const taken[] = {
		"time",	   "stream",	 "log",	    "log_processed",
		"process", "kubernetes", "partial", "ringtail",
	};
	const struct text_map *extra = &input->pairs;

	for (size_t i = 0; i < extra->count; i++)
		for (size_t j = 0; j < sizeof(taken) / sizeof(taken[0]); j++)
			if (strcmp(extra->keys[i], taken[j]) == 0)
				return text_complain(
					ret_what,
					"\"%s\" is a field of every record; give another name",
					taken[j]);
	return 0;
}
