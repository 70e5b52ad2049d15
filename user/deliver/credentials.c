/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/credentials.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

struct credentials {
	unsigned int references;
	uint64_t expires_ms;
	char *access_key_id, *secret_access_key, *session_token;
};

struct credentials_provider {
	const struct credentials_operations *operations;
	void *context;
};

static void wipe_text(char *text)
{
	if (text) {
		OPENSSL_cleanse(text, strlen(text));
		free(text);
	}
}

struct credentials *credentials_ref(struct credentials *credentials)
{
	credentials->references++;
	return credentials;
}

struct credentials *credentials_unref(struct credentials *credentials)
{
	if (credentials && --credentials->references == 0) {
		wipe_text(credentials->access_key_id);
		wipe_text(credentials->secret_access_key);
		wipe_text(credentials->session_token);
		free(credentials);
	}
	return NULL;
}

/* They go into headers: no blanks, no control bytes, nothing that could begin another header. */
static bool is_sendable(const char *text)
{
	if (!*text)
		return false;
	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return true;
}

int credentials_new(const char *access_key_id, const char *secret_access_key,
		    const char *session_token, uint64_t expires_ms, struct credentials **ret)
{
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;

	if (!is_sendable(access_key_id) || !is_sendable(secret_access_key) ||
	    (session_token && !is_sendable(session_token)))
		return -EINVAL;
	credentials = calloc(1, sizeof(*credentials));
	if (!credentials)
		return -ENOMEM;
	credentials->references = 1;
	credentials->expires_ms = expires_ms;
	credentials->access_key_id = strdup(access_key_id);
	credentials->secret_access_key = strdup(secret_access_key);
	if (!credentials->access_key_id || !credentials->secret_access_key)
		return -ENOMEM;
	if (session_token) {
		credentials->session_token = strdup(session_token);
		if (!credentials->session_token)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(credentials);
	return 0;
}

const char *credentials_access_key_id(const struct credentials *credentials)
{
	return credentials->access_key_id;
}

const char *credentials_secret_access_key(const struct credentials *credentials)
{
	return credentials->secret_access_key;
}

const char *credentials_session_token(const struct credentials *credentials)
{
	return credentials->session_token;
}

uint64_t credentials_expires_ms(const struct credentials *credentials)
{
	return credentials->expires_ms;
}

int credentials_provider_new(const struct credentials_operations *operations, void *context,
			     struct credentials_provider **ret)
{
	struct credentials_provider *provider = calloc(1, sizeof(*provider));

	if (!provider) {
		operations->free(context);
		return -ENOMEM;
	}
	provider->operations = operations;
	provider->context = context;
	*ret = provider;
	return 0;
}

struct credentials_provider *credentials_provider_free(struct credentials_provider *provider)
{
	if (provider) {
		provider->operations->free(provider->context);
		free(provider);
	}
	return NULL;
}

int credentials_provider_get(struct credentials_provider *provider, struct credentials **ret)
{
	return provider->operations->get(provider->context, ret);
}

bool credentials_provider_renew(struct credentials_provider *provider)
{
	return provider->operations->renew(provider->context);
}

/* The environment: one snapshot for the life of the process. ----------------------------------- */

static int environment_get(void *context, struct credentials **ret)
{
	*ret = credentials_ref(context);
	return 0;
}

static bool environment_renew(void *context)
{
	(void)context;
	return false;
}

static void environment_free(void *context)
{
	credentials_unref(context);
}

static const struct credentials_operations environment_operations = {
	.get = environment_get,
	.renew = environment_renew,
	.free = environment_free,
};

static const char *get_filled(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

int credentials_provider_new_environment(struct credentials_provider **ret, char **ret_error)
{
	const char *id = get_filled("AWS_ACCESS_KEY_ID");
	const char *secret = get_filled("AWS_SECRET_ACCESS_KEY");
	struct credentials *credentials = NULL;
	int r;

	if (!id || !secret) {
		if (asprintf(ret_error, "no AWS credentials: the environment has no %s%s%s",
			     id ? "" : "AWS_ACCESS_KEY_ID", !id && !secret ? " and no " : "",
			     secret ? "" : "AWS_SECRET_ACCESS_KEY") < 0)
			return -ENOMEM;
		return -ENOKEY;
	}
	r = credentials_new(id, secret, get_filled("AWS_SESSION_TOKEN"), 0, &credentials);
	if (r == -EINVAL) {
		*ret_error = strdup("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN "
				    "holds a blank or a control character");
		return *ret_error ? r : -ENOMEM;
	}
	if (r < 0)
		return r;
	return credentials_provider_new(&environment_operations, credentials, ret);
}
