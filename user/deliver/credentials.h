/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS credentials and where they come from. A provider hands out snapshots; a snapshot stays valid
 * for who holds it, and its secrets are wiped when the last holder lets go. Asking a provider never
 * blocks: one that has to fetch says -EAGAIN meanwhile. A provider is used by one thread; snapshots
 * are not shared between threads.
 */
#ifndef RINGTAIL_DELIVER_CREDENTIALS_H
#define RINGTAIL_DELIVER_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct credentials;

/* Texts are copied. session_token may be NULL; expires_ms is CLOCK_REALTIME, 0: never. */
int credentials_new(const char *access_key_id, const char *secret_access_key,
		    const char *session_token, uint64_t expires_ms, struct credentials **ret);
struct credentials *credentials_ref(struct credentials *credentials);
struct credentials *credentials_unref(struct credentials *credentials);
DEFINE_CLEANUP(struct credentials *, credentials_unref)

const char *credentials_access_key_id(const struct credentials *credentials);
const char *credentials_secret_access_key(const struct credentials *credentials);
const char *credentials_session_token(const struct credentials *credentials); /* NULL: none */
uint64_t credentials_expires_ms(const struct credentials *credentials);

struct credentials_provider;

/* What a source of credentials has to do; the context is its own. */
struct credentials_operations {
	/*
	 * 0, -EAGAIN while they are being fetched, -ENOKEY when there are none. *ret is the
	 * caller's reference.
	 */
	int (*get)(void *context, struct credentials **ret);
	/*
	 * The service refused what `get` gave: fetch others. False: this source has no others to
	 * give.
	 */
	bool (*renew)(void *context);
	void (*free)(void *context);
};

/* Takes the context over, also on failure. */
int credentials_provider_new(const struct credentials_operations *operations, void *context,
			     struct credentials_provider **ret);
struct credentials_provider *credentials_provider_free(struct credentials_provider *provider);
DEFINE_CLEANUP(struct credentials_provider *, credentials_provider_free)

int credentials_provider_get(struct credentials_provider *provider, struct credentials **ret);
bool credentials_provider_renew(struct credentials_provider *provider);

/*
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, read once. -ENOKEY: *ret_error
 * (caller frees) names what is missing; -EINVAL: a value that cannot be sent in a header.
 */
int credentials_provider_new_environment(struct credentials_provider **ret, char **ret_error);

#endif
