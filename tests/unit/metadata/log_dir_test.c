/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/log_dir.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ID_A "d2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a2"
#define ID_B "0302cf9431c7cc9ff0d76e3353f81d03d2f2d8675f2fea56b7fbe9b292437be5"
#define UID "4c62e495-0cf7-4486-b11f-2f5b1988d07f"
#define HASH "9e51db071ae776c5ee519fd0de2d9a03"

/* A /var/log of one test's own. */
struct fixture {
	char root[64], pods[96];
};

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->root, "/tmp/log_dir_test.XXXXXX");
	assert_non_null(mkdtemp(fixture->root));
	snprintf(fixture->pods, sizeof(fixture->pods), "%s/pods", fixture->root);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	nftw(fixture->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}

static char *path_of(const struct fixture *fixture, const char *path)
{
	char *full;

	assert_true(asprintf(&full, "%s/%s", fixture->root, path) > 0);
	return full;
}

static void make_dir(const struct fixture *fixture, const char *path)
{
	_cleanup_free_ char *full = path_of(fixture, path);

	for (char *slash = strchr(full + strlen(fixture->root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	assert_int_equal(mkdir(full, 0755), 0);
}

static void make_link(const struct fixture *fixture, const char *path, const char *target)
{
	_cleanup_free_ char *full = path_of(fixture, path), *dir = path_of(fixture, "containers");

	mkdir(dir, 0755);
	assert_int_equal(symlink(target, full), 0);
}

static struct container_id container(const char *id, const char *uid)
{
	struct container_id result = { .kubernetes = true };

	snprintf(result.id, sizeof(result.id), "%s", id);
	snprintf(result.pod_uid, sizeof(result.pod_uid), "%s", uid);
	return result;
}

static void assert_names(const char *pods, const char *id, const char *uid, const char *namespace,
			 const char *pod, const char *name)
{
	_cleanup_log_dir_names_ struct log_dir_names names = { 0 };
	struct container_id wanted = container(id, uid);

	assert_int_equal(log_dir_find(pods, &wanted, &names), 0);
	assert_string_equal(names.namespace, namespace);
	assert_string_equal(names.pod, pod);
	if (name)
		assert_string_equal(names.container, name);
	else
		assert_null(names.container);
}

static void assert_nothing(const char *pods, const char *id, const char *uid)
{
	struct log_dir_names names = { 0 };
	struct container_id wanted = container(id, uid);

	assert_int_equal(log_dir_find(pods, &wanted, &names), -ENOENT);
	assert_null(names.namespace);
	assert_null(names.pod);
	assert_null(names.container);
}

static void a_link_in_containers_names_its_container(void **state)
{
	const struct fixture *fixture = *state;

	make_dir(fixture, "pods/shop_web-0_" UID "/app");
	make_dir(fixture, "pods/shop_web-0_" UID "/sidecar");
	make_link(fixture, "containers/web-0_shop_side-car-" ID_B ".log", "nowhere");
	make_link(fixture, "containers/web-0_shop_app-" ID_A ".log",
		  "/var/log/pods/shop_web-0_" UID "/app/0.log");
	assert_names(fixture->pods, ID_A, UID, "shop", "web-0", "app");
	assert_names(fixture->pods, ID_B, "", "shop", "web-0", "side-car");
}

static void a_trailing_slash_does_not_hide_the_links(void **state)
{
	const struct fixture *fixture = *state;
	_cleanup_free_ char *pods = path_of(fixture, "pods//");

	make_link(fixture, "containers/web-0_shop_app-" ID_A ".log", "nowhere");
	assert_names(pods, ID_A, UID, "shop", "web-0", "app");
}

static void the_links_stand_beside_a_linked_pods_directory(void **state)
{
	const struct fixture *fixture = *state;

	make_dir(fixture, "disk/pods");
	make_link(fixture, "containers/web-0_shop_app-" ID_A ".log", "nowhere");
	make_link(fixture, "pods", "disk/pods");
	assert_names(fixture->pods, ID_A, UID, "shop", "web-0", "app");
}

static void without_a_link_the_pods_directory_names_pod_and_only_container(void **state)
{
	const struct fixture *fixture = *state;
	_cleanup_free_ char *file = path_of(fixture, "pods/shop_web-0_" UID "/a-file");

	make_dir(fixture, "pods/data_db-0_" HASH "/db");
	make_dir(fixture, "pods/shop_web-0_" UID "/app");
	fclose(fopen(file, "w"));
	assert_names(fixture->pods, ID_A, UID, "shop", "web-0", "app");
	assert_names(fixture->pods, ID_A, HASH, "data", "db-0", "db");
	assert_names(fixture->pods, "", UID, "shop", "web-0", "app");
}

static void one_of_several_containers_is_not_guessed(void **state)
{
	const struct fixture *fixture = *state;

	make_dir(fixture, "pods/shop_web-0_" UID "/app");
	make_dir(fixture, "pods/shop_web-0_" UID "/sidecar");
	assert_names(fixture->pods, ID_A, UID, "shop", "web-0", NULL);
}

static void a_pod_without_container_directories_is_still_named(void **state)
{
	const struct fixture *fixture = *state;

	make_dir(fixture, "pods/shop_web-0_" UID);
	assert_names(fixture->pods, ID_A, UID, "shop", "web-0", NULL);
}

static void nothing_there_is_enoent(void **state)
{
	const struct fixture *fixture = *state;

	assert_nothing(fixture->pods, ID_A, UID);
	make_dir(fixture, "pods/shop_web-0_" UID "/app");
	make_link(fixture, "containers/web-0_shop_app-" ID_A ".log", "nowhere");
	assert_nothing(fixture->pods, ID_B, HASH);
	assert_nothing(fixture->pods, ID_B, "");
	assert_nothing(fixture->pods, "", "");
	assert_nothing("", ID_B, HASH);
}

static void names_that_kubernetes_refuses_are_passed_over(void **state)
{
	const struct fixture *fixture = *state;

	make_link(fixture, "containers/-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/app-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/web_shop-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/__-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/web_shop_app_x-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/w\033[2Jeb_shop_app-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/web_shop_\xff-" ID_A ".log", "nowhere");
	make_link(fixture, "containers/web_shop_app-" ID_A ".log.1", "nowhere");
	make_dir(fixture, "pods/_" UID "/app");
	make_dir(fixture, "pods/shop_" UID "/app");
	make_dir(fixture, "pods/shop_\n_" UID "/app");
	make_dir(fixture, "pods/shop_web_x_" UID "/app");
	make_link(fixture, "pods/shop_linked_" UID, "/");
	assert_nothing(fixture->pods, ID_A, UID);
	make_link(fixture, "containers/web_shop_app-" ID_A ".log", "nowhere");
	assert_names(fixture->pods, ID_A, UID, "shop", "web", "app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_link_in_containers_names_its_container, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_trailing_slash_does_not_hide_the_links, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_links_stand_beside_a_linked_pods_directory,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_a_link_the_pods_directory_names_pod_and_only_container, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(one_of_several_containers_is_not_guessed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_pod_without_container_directories_is_still_named,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_there_is_enoent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_that_kubernetes_refuses_are_passed_over,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
