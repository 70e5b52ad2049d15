/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "deliver/sigv4.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

/* The headers of the finished request that the vector wants signed. */
static size_t read_headers(const json_t *vector, struct sigv4_header *ret)
{
	const json_t *wanted = json_object_get(vector, "signed_headers");
	json_t *header, *name;
	size_t i, j, count = 0;

	json_array_foreach(json_object_get(vector, "signed_request_headers"), i, header) {
		const char *text = json_string_value(json_array_get(header, 0));

		json_array_foreach(wanted, j, name)
			if (!strcasecmp(json_string_value(name), text))
				ret[count++] = (struct sigv4_header){
					text, json_string_value(json_array_get(header, 1)) };
	}
	return count;
}

static void check_vector(const json_t *vector)
{
	const json_t *secrets = json_object_get(vector, "credentials");
	const char *body = text_of(vector, "body");
	_cleanup_(sigv4_signer_freep) struct sigv4_signer *signer = NULL;
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	_cleanup_buffer_ struct buffer canonical = { 0 }, authorization = { 0 };
	struct sigv4_header headers[SIGV4_HEADERS_MAX];
	char hash[SIGV4_HASH_SIZE];
	struct sigv4_request request = {
		.method = text_of(vector, "method"),
		.path = text_of(vector, "path"),
		.query = text_of(vector, "query"),
		.keep_path = json_is_false(json_object_get(vector, "normalize")),
		.headers = headers,
		.header_count = read_headers(vector, headers),
		.payload_sha256 = hash,
	};

	assert_int_equal(sigv4_hash(body, strlen(body), hash), 0);
	assert_string_equal(hash, text_of(vector, "payload_hash"));
	assert_int_equal(sigv4_canonical_request(&request, &canonical), 0);
	assert_int_equal(buffer_append(&canonical, "", 1), 0);
	assert_string_equal(canonical.data, text_of(vector, "canonical_request"));

	assert_int_equal(credentials_new(text_of(secrets, "access_key_id"),
					 text_of(secrets, "secret_access_key"),
					 json_string_value(json_object_get(secrets, "token")), 0,
					 &credentials),
			 0);
	assert_int_equal(
		sigv4_signer_new(text_of(vector, "region"), text_of(vector, "service"), &signer),
		0);
	/* Twice: derived, and from the day's key. */
	for (int i = 0; i < 2; i++) {
		buffer_clear(&authorization);
		assert_int_equal(sigv4_authorize(signer, credentials, text_of(vector, "amz_date"),
						 &request, &authorization),
				 0);
		assert_string_equal(authorization.data, text_of(vector, "authorization"));
	}
}

static void signs_all_of_the_services_own_vectors(void **state)
{
	json_t *file = json_load_file(TEST_DATA "/sigv4/vectors.json", 0, NULL);
	json_t *vectors = json_object_get(file, "vectors"), *vector;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(vectors), 38);
	json_array_foreach(vectors, i, vector)
		check_vector(vector);
	json_decref(file);
}

static void authorize(struct sigv4_signer *signer, const char *secret, const char *date,
		      struct buffer *ret)
{
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	const struct sigv4_header headers[] = { { "host", "h" }, { "x-amz-date", date } };
	const struct sigv4_request request = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.header_count = 2,
		.payload_sha256 = "0",
	};

	assert_int_equal(credentials_new("AKID", secret, NULL, 0, &credentials), 0);
	assert_int_equal(sigv4_authorize(signer, credentials, date, &request, ret), 0);
}

static void check_that_a_used_signer_equals_a_new_one(const char *secret, const char *date)
{
	_cleanup_(sigv4_signer_freep) struct sigv4_signer *used = NULL, *new = NULL;
	_cleanup_buffer_ struct buffer first = { 0 }, again = { 0 }, expected = { 0 };

	assert_int_equal(sigv4_signer_new("eu-central-1", "logs", &used), 0);
	assert_int_equal(sigv4_signer_new("eu-central-1", "logs", &new), 0);
	authorize(used, "secret", "20261122T235959Z", &first);
	authorize(used, secret, date, &again);
	authorize(new, secret, date, &expected);
	assert_string_equal(again.data, expected.data);
	assert_string_not_equal(again.data, first.data);
}

static void the_kept_key_is_replaced_on_the_next_day(void **state)
{
	(void)state;
	check_that_a_used_signer_equals_a_new_one("secret", "20261123T000000Z");
}

static void the_kept_key_is_replaced_with_the_secret(void **state)
{
	(void)state;
	check_that_a_used_signer_equals_a_new_one("another", "20261122T235959Z");
}

static void a_date_is_written_in_the_basic_form(void **state)
{
	char date[SIGV4_DATE_SIZE];

	(void)state;
	sigv4_date(UINT64_C(1440938160999), date);
	assert_string_equal(date, "20150830T123600Z");
}

static void a_wrong_date_and_too_many_headers_are_refused(void **state)
{
	_cleanup_(sigv4_signer_freep) struct sigv4_signer *signer = NULL;
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	_cleanup_buffer_ struct buffer out = { 0 };
	struct sigv4_header headers[SIGV4_HEADERS_MAX + 1];
	struct sigv4_request request = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.header_count = 1,
		.payload_sha256 = "0",
	};

	(void)state;
	for (size_t i = 0; i < SIGV4_HEADERS_MAX + 1; i++)
		headers[i] = (struct sigv4_header){ "a", "b" };
	assert_int_equal(credentials_new("AKID", "secret", NULL, 0, &credentials), 0);
	assert_int_equal(sigv4_signer_new("r", "s", &signer), 0);
	assert_int_equal(sigv4_authorize(signer, credentials, "2015", &request, &out), -EINVAL);
	request.header_count = SIGV4_HEADERS_MAX + 1;
	assert_int_equal(sigv4_authorize(signer, credentials, "20261122T235959Z", &request, &out),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_all_of_the_services_own_vectors),
		cmocka_unit_test(the_kept_key_is_replaced_on_the_next_day),
		cmocka_unit_test(the_kept_key_is_replaced_with_the_secret),
		cmocka_unit_test(a_date_is_written_in_the_basic_form),
		cmocka_unit_test(a_wrong_date_and_too_many_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
