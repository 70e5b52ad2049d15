/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/pod_info.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"

#define ID_A "d2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a2"
#define ID_B "0302cf9431c7cc9ff0d76e3353f81d03d2f2d8675f2fea56b7fbe9b292437be5"
#define LIST(items)                                                                                \
	"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[" items "]}"
#define METADATA "\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":\"u\"}"
#define POD(statuses) "{" METADATA ",\"status\":{\"containerStatuses\":[" statuses "]}}"
#define STATUS(id) "{\"name\":\"app\",\"image\":\"demo:1\",\"containerID\":\"containerd://" id "\"}"

static struct pod_table *parse(const char *json)
{
	_cleanup_free_ char *error = NULL;
	struct pod_table *table = NULL;

	assert_int_equal(pod_table_parse(json, strlen(json), &table, &error), 0);
	assert_null(error);
	return table;
}

static struct pod_table *parse_file(const char *name)
{
	_cleanup_buffer_ struct buffer json = { 0 };
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&path, TEST_DATA "/kubelet/%s", name) > 0);
	assert_int_equal(file_read(path, 1 << 20, &json), 0);
	assert_non_null(memmem(json.data, json.size, "\"hello\"", 7));
	return parse(json.data);
}

static const struct pod_info *find(const struct pod_table *table, const char *id)
{
	const struct pod_info *info = pod_table_find(table, id);

	assert_non_null(info);
	assert_string_equal(info->container_id, id);
	return info;
}

static void assert_refused(const char *json, size_t size)
{
	struct pod_table *table = NULL;
	char *error = NULL;

	assert_int_equal(pod_table_parse(json, size, &table, &error), -EBADMSG);
	assert_null(table);
	assert_non_null(error);
	assert_null(strstr(error, "shop"));
	free(error);
}

struct expected {
	const char *id, *namespace, *pod, *pod_uid, *container;
};

static void assert_all_found(const struct pod_table *table, const struct expected *expected,
			     size_t count)
{
	assert_int_equal(pod_table_count(table), count);
	for (size_t i = 0; i < count; i++) {
		const struct pod_info *info = find(table, expected[i].id);

		assert_string_equal(info->namespace, expected[i].namespace);
		assert_string_equal(info->pod, expected[i].pod);
		assert_string_equal(info->pod_uid, expected[i].pod_uid);
		assert_string_equal(info->container, expected[i].container);
		assert_string_equal(info->image, "docker.io/library/demo:1");
	}
}

static void every_container_of_a_real_answer_is_found(void **state)
{
	static const struct expected expected[] = {
		{ "520772e443c28627e7f24e23c5363bf005bb220f2d90068accdfe60ee9ea310b", "default",
		  "crasher", "da44d113-11df-4085-8841-655c1d4855af", "boom" },
		{ "c5822eeb303b5c43044c878a8599617909a42498d140414401e6d3aedb2d93d9", "default",
		  "crasher", "da44d113-11df-4085-8841-655c1d4855af", "boom" },
		{ "969c9e70c2314e5d333f1140239f73a75ab4c2063c28f73ca54c5da553ceaa94", "default",
		  "shell-tty", "677d36f7-6d85-4146-8ed2-5dca0eea798c", "shell" },
		{ "05071225c8ab0930396b77aacd756394aec34231d9329c8f7a67370d67780071", "batch",
		  "report-29384720-abcde", "145ed6a4-3e1e-4bfc-b266-4211f730592b", "report" },
		{ "cedbda1fe27865e218ab5d2a43b6287b2ce1d36ed9c1407015d828d89d51d74a", "data",
		  "db-0", "eb0b15b9-78df-4eeb-b06b-5cb638564820", "db" },
		{ "aea7ef87a175a1dc3ffa1cc20c4356c60eaacb9f4fd452733f83ebeef65e98dc", "default",
		  "spam", "324ed1ed-7e82-43fc-8ab1-c2aa3a302b0d", "spam" },
		{ "0302cf9431c7cc9ff0d76e3353f81d03d2f2d8675f2fea56b7fbe9b292437be5", "kube-system",
		  "kube-proxy-demo-node", "9e51db071ae776c5ee519fd0de2d9a03", "kube-proxy" },
		{ "2f6ed7351bdabcf549de0333c64a50ce80d069150d526ffff49bacb71fc952c2", "shop",
		  "web-7d4b9c6f5-x2k8p", "4c62e495-0cf7-4486-b11f-2f5b1988d07f", "migrate" },
		{ "d2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a2", "shop",
		  "web-7d4b9c6f5-x2k8p", "4c62e495-0cf7-4486-b11f-2f5b1988d07f", "app" },
		{ "91944da4cbe0eb59e883b0dedd28849d1d8cbf9d1dcdc940429db80597c7317d", "shop",
		  "web-7d4b9c6f5-x2k8p", "4c62e495-0cf7-4486-b11f-2f5b1988d07f", "sidecar" },
	};
	_cleanup_(pod_table_freep) struct pod_table *table = parse_file("kubelet_pods.json");
	const struct pod_info *web = find(table, ID_A);

	(void)state;
	assert_all_found(table, expected, sizeof(expected) / sizeof(*expected));
	assert_string_equal(
		web->annotations_json,
		"{\"kubernetes.io/config.seen\":\"2026-11-22T11:42:53.578588345Z\","
		"\"kubernetes.io/config.source\":\"api\",\"logs.example.com/exclude\":\"sidecar\","
		"\"prometheus.io/port\":\"9100\",\"prometheus.io/scrape\":\"true\","
		"\"unicode/note\":\"grüße ☃ \\\"quoted\\\"\"}");
	assert_string_equal(find(table, expected[0].id)->labels_json, "{\"app\":\"crasher\"}");
}

static void every_container_of_a_standalone_kubelet_is_found(void **state)
{
	static const struct expected expected[] = {
		{ "6dba65d0c54c685a706c9de0e7bcab2ccc5084c151446874120d182240570fcb", "data",
		  "db-0-demo-node", "9307902adf060efb989cb9cdc5a659fc", "db" },
		{ "b493ea6111076ba72a36b912157259ac4df83321143231e4761073d3f11bfa1b", "batch",
		  "report-29384720-abcde-demo-node", "87a760b9e220e9f9a078692c76a7f255", "report" },
		{ "d8de6dd64c2d6f0c868e85dc65d16ba62d5dad49e2324599a01a7fdb20eeab29", "kube-system",
		  "kube-proxy-demo-node", "9e51db071ae776c5ee519fd0de2d9a03", "kube-proxy" },
		{ "457dea42343c72daa96a684b204a3b9ffe8c034f098c3b4c0684b735bf76b8a1", "default",
		  "spam-demo-node", "a90eef3f885fd57a4215f0fb8bded204", "spam" },
		{ "b248ff2e6a7964be172cdc4bfda22b6fd94b81dba2e317791ef78c58d77924fd", "default",
		  "shell-tty-demo-node", "0e73d3f331789ac381eae3c708331c27", "shell" },
		{ "940884214828b9414ae1b80362854f27b3f2bb33078889955f31ab81f1ea913d", "shop",
		  "web-7d4b9c6f5-x2k8p-demo-node", "4e1236acb39c653b725ed019f0d302c4", "migrate" },
		{ "b896d7ade046c1ce0864cc1f2bb5bc0440b0a31738ed1bc2c26bb1a701ab061f", "shop",
		  "web-7d4b9c6f5-x2k8p-demo-node", "4e1236acb39c653b725ed019f0d302c4", "app" },
		{ "8589e8fe44fcc804b457e214821e645f7e32ec0c39750709c66f85aad7a1d94f", "shop",
		  "web-7d4b9c6f5-x2k8p-demo-node", "4e1236acb39c653b725ed019f0d302c4", "sidecar" },
		/* Its lastState names the same id: still one container. */
		{ "ce693caee6ad5f11fc17cf6f44537428da1a7b879decb88535bdad5f41569606", "default",
		  "crasher-demo-node", "6c5c1f2d0f98e96868363cb3dd083f2e", "boom" },
	};
	_cleanup_(pod_table_freep) struct pod_table *table =
		parse_file("kubelet_pods_standalone.json");

	(void)state;
	assert_all_found(table, expected, sizeof(expected) / sizeof(*expected));
}

static void no_env_value_is_in_a_tables_memory(void **state)
{
	static const char *const files[] = { "kubelet_pods.json", "kubelet_pods_standalone.json" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(pod_table_freep) struct pod_table *table = parse_file(files[i]);
		size_t size = malloc_usable_size(table);

		/* The search reaches the strings, then: not the env's name, nor its value. */
		assert_non_null(memmem(table, size, "kube-proxy-demo-node", 20));
		assert_null(memmem(table, size, "SECRETISH", 9));
		assert_null(memmem(table, size, "hello", 5));
	}
}

static void init_ephemeral_and_earlier_containers_are_found(void **state)
{
	_cleanup_(pod_table_freep) struct pod_table *table = parse(
		LIST("{" METADATA ",\"status\":{\"ephemeralContainerStatuses\":[{\"name\":"
		     "\"debugger\",\"image\":\"busybox\","
		     "\"containerID\":\"docker://" ID_A
		     "\"}],\"initContainerStatuses\":[{\"name\":\"init\",\"image\":\"i\","
		     "\"containerID\":\"cri-o://"
		     "1111111111111111111111111111111111111111111111111111111111111111\","
		     "\"lastState\":{\"terminated\":{\"exitCode\":1,\"containerID\":\"cri-o://" ID_B
		     "\"}}}]}}"));

	(void)state;
	assert_int_equal(pod_table_count(table), 3);
	assert_string_equal(find(table, ID_A)->container, "debugger");
	assert_string_equal(find(table, ID_A)->image, "busybox");
	assert_string_equal(find(table, ID_B)->container, "init");
	assert_string_equal(find(table, ID_B)->labels_json, "{}");
	assert_null(pod_table_find(
		table, "2222222222222222222222222222222222222222222222222222222222222222"));
	assert_null(pod_table_find(table, ""));
}

static void last_applied_configuration_is_left_out(void **state)
{
	_cleanup_(pod_table_freep) struct pod_table *table = parse(
		LIST("{\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":\"u\","
		     "\"annotations\":{\"z\":\"1\","
		     "\"kubectl.kubernetes.io/"
		     "last-applied-configuration\":\"{\\\"env\\\":\\\"s3cret\\\"}\",\"a\":\"2\"},"
		     "\"labels\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"x\"}},"
		     "\"status\":{\"containerStatuses\":[" STATUS(ID_A) "]}}"));

	(void)state;
	assert_string_equal(find(table, ID_A)->annotations_json, "{\"z\":\"1\",\"a\":\"2\"}");
	assert_string_equal(find(table, ID_A)->labels_json, "{}");
	assert_null(memmem(table, malloc_usable_size(table), "s3cret", 6));
}

/* Each of these stands in place of a pod, beside a sound one. */
static void an_odd_pod_costs_only_itself(void **state)
{
	static const char *const odd[] = {
		"null",
		"1",
		"\"pod\"",
		"[]",
		"{}",
		"{\"metadata\":null,\"status\":null}",
		"{\"metadata\":[],\"status\":{\"containerStatuses\":[" STATUS(ID_B) "]}}",
		"{\"metadata\":{\"name\":7,\"namespace\":\"shop\"},\"status\":{"
		"\"containerStatuses\":[" STATUS(ID_B) "]}}",
		"{\"metadata\":{\"name\":\"\",\"namespace\":\"s\"},\"status\":{"
		"\"containerStatuses\":[" STATUS(ID_B) "]}}",
		"{\"metadata\":{\"name\":\"a\\u0000b\",\"namespace\":\"s\"},\"status\":{"
		"\"containerStatuses\":[" STATUS(ID_B) "]}}",
		"{\"metadata\":{\"namespace\":\"shop\"},\"status\":{\"containerStatuses\":[" STATUS(
			ID_B) "]}}",
		"{" METADATA "}",
		"{" METADATA ",\"status\":\"Running\"}",
		"{" METADATA ",\"status\":{\"containerStatuses\":{}}}",
		POD("null"),
		POD("[]"),
		POD("\"app\""),
		POD("{\"image\":\"i\",\"containerID\":\"containerd://" ID_B "\"}"),
		POD("{\"name\":null,\"image\":\"i\",\"containerID\":\"containerd://" ID_B "\"}"),
		POD("{\"name\":\"app\",\"image\":\"i\",\"containerID\":null}"),
		POD("{\"name\":\"app\",\"image\":\"i\"}"),
		POD("{\"name\":\"app\",\"containerID\":\"" ID_B "\"}"),
		POD(STATUS("")),
		POD(STATUS("123")),
		POD(STATUS(ID_B "0")),
		POD("{\"name\":\"app\",\"lastState\":{\"terminated\":null}}"),
		POD("{\"name\":\"app\",\"lastState\":{\"terminated\":{\"containerID\":9}}}"),
		"{\"metadata\":{\"name\":}}",
		"{\"a\"}",
		"{]",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		_cleanup_(pod_table_freep) struct pod_table *table = NULL;
		_cleanup_free_ char *json = NULL;

		assert_true(asprintf(&json, LIST("%s,%s"), odd[i], POD(STATUS(ID_A))) > 0);
		table = parse(json);
		if (pod_table_count(table) != 1)
			fail_msg("%s: %zu containers", odd[i], pod_table_count(table));
		assert_string_equal(find(table, ID_A)->pod, "web-0");
	}
}

static void odd_members_cost_only_themselves(void **state)
{
	_cleanup_(pod_table_freep) struct pod_table *table = parse(LIST(
		"{\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":4,"
		"\"annotations\":[1],"
		"\"labels\":{\"a\":1,\"b\":null,\"c\":\"\\u0000\\u001f\",\"d\":{\"e\":\"f\"}}},"
		"\"spec\":{\"priority\":99999999999999999999999,\"\\u0000\":\"\\ud800\",\"raw\":"
		"\"\xff\"},"
		"\"status\":{\"startTime\":1e999,\"containerStatuses\":[null," STATUS(
			ID_A) ",{\"name\":\"b\",\"image\":[],"
			      "\"containerID\":\"x://" ID_B "\",\"lastState\":[]}]}}"));

	(void)state;
	assert_int_equal(pod_table_count(table), 2);
	assert_string_equal(find(table, ID_A)->pod_uid, "");
	assert_string_equal(find(table, ID_A)->annotations_json, "{}");
	assert_string_equal(find(table, ID_A)->labels_json, "{\"c\":\"\\u0000\\u001F\"}");
	assert_string_equal(find(table, ID_B)->image, "");
}

static void an_answer_without_pods_is_an_empty_table(void **state)
{
	static const char *const answers[] = { LIST(""),
					       " {\"items\":null, \"kind\":\"PodList\"}\n",
					       "{\"items\" : [ ] ,\"kind\": \"PodList\" }" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		_cleanup_(pod_table_freep) struct pod_table *table = parse(answers[i]);

		assert_int_equal(pod_table_count(table), 0);
		assert_null(pod_table_find(table, ID_A));
	}
}

static void what_is_no_pod_list_is_refused(void **state)
{
	static const char *const answers[] = {
		"",
		" ",
		"null",
		"[]",
		"\"PodList\"",
		"{}",
		"Unauthorized",
		"<html>",
		"{\"kind\":\"PodList\"}",
		"{\"kind\":\"PodList\",\"items\":{}}",
		"{\"kind\":\"PodList\",\"items\":\"\"}",
		"{\"kind\":\"Status\",\"items\":[]}",
		"{\"items\":[]}",
		"{\"kind\":7,\"items\":[]}",
		LIST("1 2"),
		LIST(",1"),
		LIST("1,"),
		LIST("\"a"),
		LIST("") "x",
		LIST("") LIST(""),
		"{\"kind\":\"PodList\",\"items\":[],}",
		"{kind:\"PodList\"}",
		"{\"kind\"\"PodList\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		assert_refused(answers[i], strlen(answers[i]));
	assert_refused(LIST("") "\0", sizeof(LIST("")));
}

static void an_answer_cut_short_anywhere_is_refused(void **state)
{
	static const char whole[] = LIST(POD(STATUS(ID_A)));

	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		char *cut = malloc(
			size + 1); /* its own block, so that the sanitizer sees a read behind it */

		memcpy(cut, whole, size);
		assert_refused(cut = realloc(cut, size ? size : 1), size);
		free(cut);
	}
}

static void deep_nesting_is_stepped_over(void **state)
{
	enum { DEPTH = 1000000 };
	_cleanup_buffer_ struct buffer json = { 0 };
	_cleanup_(pod_table_freep) struct pod_table *table = NULL;

	(void)state;
	buffer_append_text(&json, "{\"kind\":\"PodList\",\"metadata\":");
	for (int i = 0; i < DEPTH; i++)
		buffer_append_text(&json, "[");
	for (int i = 0; i < DEPTH; i++)
		buffer_append_text(&json, "]");
	buffer_append(&json, ",\"items\":[]}", sizeof(",\"items\":[]}"));
	table = parse(json.data);
	assert_int_equal(pod_table_count(table), 0);
}

static void a_reference_keeps_the_table(void **state)
{
	struct pod_table *table = parse(LIST(POD(STATUS(ID_A)))), *kept = pod_table_ref(table);

	(void)state;
	pod_table_free(table);
	assert_string_equal(find(kept, ID_A)->namespace, "shop");
	assert_null(pod_table_free(kept));
	assert_null(pod_table_free(NULL));
}

/* The real answer's seven pods again and again, with other ids, as a full node has them. */
static void fill_node(struct buffer *json, int pods)
{
	buffer_append_text(json, "{\"kind\":\"PodList\",\"items\":[");
	for (int i = 0; i < pods; i++) {
		buffer_printf(json,
			      "%s{\"metadata\":{\"name\":\"web-%d\",\"namespace\":\"shop\",\"uid\":"
			      "\"uid-%d\","
			      "\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"7d4b9c6f5\"},"
			      "\"managedFields\":[\"",
			      i ? "," : "", i, i);
		for (int j = 0; j < 500; j++)
			buffer_append_text(json, "{\\\"f:x\\\":1}");
		buffer_append_text(json, "\"]},\"spec\":{\"containers\":[");
		for (int j = 0; j < 100; j++)
			buffer_printf(json, "%s{\"name\":\"E%d\",\"value\":\"%032d\"}",
				      j ? "," : "", j, j);
		buffer_append_text(json, "]},\"status\":{\"containerStatuses\":[");
		for (int j = 0; j < 3; j++)
			buffer_printf(json,
				      "%s{\"name\":\"c%d\",\"image\":\"demo:1\",\"containerID\":"
				      "\"containerd://%064x\"}",
				      j ? "," : "", j, i * 3 + j);
		buffer_append_text(json, "]}}");
	}
	buffer_append(json, "]}", sizeof("]}"));
}

static void a_full_node_of_250_pods_is_parsed_quickly(void **state)
{
	_cleanup_buffer_ struct buffer json = { 0 };
	_cleanup_(pod_table_freep) struct pod_table *table = NULL;
	char id[65];
	uint64_t begin;

	(void)state;
	fill_node(&json, 250);
	begin = clock_boot_ns();
	table = parse(json.data);
	begin = clock_boot_ns() - begin;
	print_message("           %zu bytes of JSON in %llu us, table of %zu bytes\n", json.size,
		      (unsigned long long)begin / 1000, malloc_usable_size(table));
	assert_int_equal(pod_table_count(table), 750);
	for (int i = 0; i < 750; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		assert_int_equal(find(table, id)->container[1] - '0', i % 3);
	}
	assert_true(begin < NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_container_of_a_real_answer_is_found),
		cmocka_unit_test(every_container_of_a_standalone_kubelet_is_found),
		cmocka_unit_test(no_env_value_is_in_a_tables_memory),
		cmocka_unit_test(init_ephemeral_and_earlier_containers_are_found),
		cmocka_unit_test(last_applied_configuration_is_left_out),
		cmocka_unit_test(an_odd_pod_costs_only_itself),
		cmocka_unit_test(odd_members_cost_only_themselves),
		cmocka_unit_test(an_answer_without_pods_is_an_empty_table),
		cmocka_unit_test(what_is_no_pod_list_is_refused),
		cmocka_unit_test(an_answer_cut_short_anywhere_is_refused),
		cmocka_unit_test(deep_nesting_is_stepped_over),
		cmocka_unit_test(a_reference_keeps_the_table),
		cmocka_unit_test(a_full_node_of_250_pods_is_parsed_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
