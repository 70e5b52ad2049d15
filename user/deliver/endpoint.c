/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

enum { REGION_MAX = 63 }; /* it becomes a label of a host name */

/* From the SDKs' partitions.json. The first row whose prefix fits; the last one fits all. */
static const struct partition {
	const char *prefix, *suffix, *dualstack_suffix;
} partitions[] = {
	{ "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
	{ "us-gov-", "amazonaws.com", "api.aws" },
	{ "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
	{ "us-iso-", "c2s.ic.gov", NULL },
	{ "us-isob-", "sc2s.sgov.gov", NULL },
	{ "eu-isoe-", "cloud.adc-e.uk", NULL },
	{ "us-isof-", "csp.hci.ic.gov", NULL },
	{ "eu-isof-", "csp.hci.ic.gov", NULL },
	{ "", "amazonaws.com", "api.aws" },
};

static __attribute__((format(printf, 2, 3))) int complain(char **ret_error, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(ret_error, format, arguments);
	va_end(arguments);
	return length < 0 ? -ENOMEM : -EINVAL;
}

struct endpoint *endpoint_free(struct endpoint *endpoint)
{
	if (endpoint) {
		free(endpoint->url);
		free(endpoint->host);
		free(endpoint->path);
		free(endpoint->region);
		free(endpoint);
	}
	return NULL;
}

static const char *get_filled(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static const char *find_given(const struct endpoint_options *options)
{
	const char *ignore = get_filled("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

	if (options->endpoint)
		return options->endpoint;
	if (ignore && !strcasecmp(ignore, "true"))
		return NULL;
	return get_filled("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS") ?: get_filled("AWS_ENDPOINT_URL");
}

static bool is_region(const char *region)
{
	size_t length = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length > 0 && length <= REGION_MAX && !region[length] && region[0] != '-' &&
	       region[length - 1] != '-';
}

/* The two GovCloud Regions have no host of their own for FIPS: the plain one is it. */
static bool has_fips_host(const char *region)
{
	return strncmp(region, "us-gov-", strlen("us-gov-")) != 0;
}

static int make_url(const struct endpoint_options *options, char **ret, char **ret_error)
{
	const struct partition *partition = partitions;
	bool fips = options->fips && (options->dualstack || has_fips_host(options->region));
	const char *name = fips ? "logs-fips" : "logs";

	while (strncmp(options->region, partition->prefix, strlen(partition->prefix)) != 0)
		partition++;
	if (options->dualstack && !partition->dualstack_suffix)
		return complain(ret_error, "Region %s has no dual-stack endpoint", options->region);
	if (asprintf(ret, "https://%s.%s.%s/", name, options->region,
		     options->dualstack ? partition->dualstack_suffix : partition->suffix) < 0)
		return -ENOMEM;
	return 0;
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text;

	curl_free(text);
	return there;
}

static int copy_part(CURLU *url, CURLUPart part, unsigned int flags, char **ret)
{
	char *text = NULL;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return -EINVAL;
	*ret = strdup(text);
	curl_free(text);
	return *ret ? 0 : -ENOMEM;
}

static int copy_host(CURLU *url, char **ret)
{
	_cleanup_free_ char *host = NULL, *port = NULL;
	int r = copy_part(url, CURLUPART_HOST, 0, &host);

	if (r < 0)
		return r;
	r = copy_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &port);
	if (r == -ENOMEM)
		return r;
	return asprintf(ret, "%s%s%s", host, port ? ":" : "", port ?: "") < 0 ? -ENOMEM : 0;
}

static int parse(CURLU *url, const char *text, struct endpoint *endpoint)
{
	_cleanup_free_ char *scheme = NULL;
	int r;

	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) ||
	    has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
		return -EINVAL;
	r = copy_part(url, CURLUPART_SCHEME, 0, &scheme);
	if (r < 0)
		return r;
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		return -EINVAL;
	r = copy_part(url, CURLUPART_URL, 0, &endpoint->url);
	if (r >= 0)
		r = copy_host(url, &endpoint->host);
	if (r >= 0)
		r = copy_part(url, CURLUPART_PATH, 0, &endpoint->path);
	return r;
}

/* The text is not shown: a wrong one may hold a password. */
static int read_url(const char *text, struct endpoint *endpoint, char **ret_error)
{
	CURLU *url = curl_url();
	int r = url ? parse(url, text, endpoint) : -ENOMEM;

	curl_url_cleanup(url);
	if (r == -EINVAL)
		return complain(ret_error, "the CloudWatch endpoint is not an http:// or https:// "
					   "URL of a host without user, query and fragment");
	return r;
}

int endpoint_new(const struct endpoint_options *options, struct endpoint **ret, char **ret_error)
{
	_cleanup_(endpoint_freep) struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
	const char *given = find_given(options);
	_cleanup_free_ char *made = NULL;
	int r;

	if (!endpoint)
		return -ENOMEM;
	if (!given && !options->region)
		return complain(ret_error, "the AWS Region is not known: set region or AWS_REGION");
	if (options->region && !is_region(options->region))
		return complain(ret_error,
				"the AWS Region may have letters, digits and hyphens only");
	if (given && (options->fips || options->dualstack))
		return complain(ret_error, "cloudwatch.fips and cloudwatch.dualstack choose an "
					   "endpoint of AWS: not together with a given one");
	if (!given) {
		r = make_url(options, &made, ret_error);
		if (r < 0)
			return r;
	}
	r = read_url(given ?: made, endpoint, ret_error);
	if (r < 0)
		return r;
	endpoint->region = strdup(options->region ?: "us-east-1");
	if (!endpoint->region)
		return -ENOMEM;
	*ret = TAKE_PTR(endpoint);
	return 0;
}
