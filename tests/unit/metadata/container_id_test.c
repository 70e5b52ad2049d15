/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/container_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"

#define ID_A "d2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a2"
#define ID_B "0302cf9431c7cc9ff0d76e3353f81d03d2f2d8675f2fea56b7fbe9b292437be5"
#define UID "4c62e495-0cf7-4486-b11f-2f5b1988d07f"
#define UID_ "4c62e495_0cf7_4486_b11f_2f5b1988d07f"
#define HASH "9e51db071ae776c5ee519fd0de2d9a03"

struct shape {
	const char *path, *id, *pod_uid;
	bool kubernetes;
};

static void check(const struct shape *shapes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct container_id got;
		enum container_path kind;

		memset(&got, 0xff, sizeof(got));
		kind = container_id_parse(shapes[i].path, &got);
		if (strcmp(got.id, shapes[i].id) != 0 ||
		    strcmp(got.pod_uid, shapes[i].pod_uid) != 0 ||
		    got.kubernetes != shapes[i].kubernetes ||
		    kind != (shapes[i].id[0] ? CONTAINER_PATH_CONTAINER : CONTAINER_PATH_OTHER))
			fail_msg("%s: id '%s', uid '%s', kubernetes %d, kind %d", shapes[i].path,
				 got.id, got.pod_uid, got.kubernetes, kind);
	}
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const struct shape shapes[] = { __VA_ARGS__ };                              \
		check(shapes, sizeof(shapes) / sizeof(*shapes));                                   \
	} while (0)

static void cgroupfs_driver_is_understood(void **state)
{
	(void)state;
	CHECK({ "/kubepods/burstable/pod" UID "/" ID_A, ID_A, UID, true },
	      { "/kubepods/besteffort/pod" UID "/" ID_A, ID_A, UID, true },
	      { "/kubepods/pod" UID "/" ID_A, ID_A, UID, true },
	      { "/kubepods/pod" HASH "/" ID_A, ID_A, HASH, true },
	      { "/kubepods/burstable/pod" UID "/libpod-" ID_A, ID_A, UID, true },
	      { "/kubepods/burstable/pod" UID "/crio-" ID_A, ID_A, UID, true });
}

static void systemd_driver_is_understood(void **state)
{
	(void)state;
	CHECK({ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
		".slice/cri-containerd-" ID_A ".scope",
		ID_A, UID, true },
	      { "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID_A ".scope", ID_A,
		UID, true },
	      { "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" HASH
		".slice/docker-" ID_A ".scope",
		ID_A, HASH, true },
	      { "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID_A ".scope", ID_A, UID, true },
	      { "/kubepods.slice/kubepods-pod" UID_ ".slice/libpod-" ID_A ".scope", ID_A, UID,
		true });
}

static void cgroup_roots_of_the_kubelet_are_understood(void **state)
{
	(void)state;
	CHECK({ "/kubelet/kubepods/besteffort/pod" UID "/" ID_A, ID_A, UID, true },
	      { "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
		"kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID_A ".scope",
		ID_A, UID, true },
	      { "/kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID_A ".scope",
		ID_A, UID, true },
	      { "/a.slice/a-b_c.slice/a-b_c-kubepods.slice/a-b_c-kubepods-pod" UID_
		".slice/crio-" ID_A ".scope",
		ID_A, UID, true });
}

static void containerd_with_cgroupfs_under_a_systemd_kubelet_is_understood(void **state)
{
	(void)state;
	CHECK({ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
		".slice:cri-containerd:" ID_A,
		ID_A, UID, true });
}

static void containers_outside_kubernetes_have_no_pod(void **state)
{
	(void)state;
	CHECK({ "/docker/" ID_A, ID_A, "", false },
	      { "/system.slice/docker-" ID_A ".scope", ID_A, "", false },
	      { "/machine.slice/libpod-" ID_A ".scope/container", ID_A, "", false },
	      { "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A ".scope",
		ID_A, "", false },
	      { "/libpod_parent/libpod-" ID_A, ID_A, "", false },
	      { "/libpod_parent/" ID_B "/libpod-" ID_A, ID_A, "", false },
	      { "/default/" ID_A, ID_A, "", false }, { "/pod" UID "/" ID_A, ID_A, "", false });
}

static void the_outermost_container_names_what_is_nested_in_it(void **state)
{
	(void)state;
	CHECK({ "/kubepods/pod" UID "/" ID_A "/docker/" ID_B, ID_A, UID, true },
	      { "/kubepods/pod" UID "/" ID_A "/kubepods/pod" HASH "/" ID_B, ID_A, UID, true },
	      { "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID_A
		".scope/init.scope",
		ID_A, UID, true },
	      { "/docker/" ID_A "/kubepods/pod" UID "/" ID_B, ID_A, "", false });
}

static void cgroups_above_and_beside_containers_are_none(void **state)
{
	(void)state;
	CHECK({ "/", "", "", false }, { "", "", "", false }, { "/init.scope", "", "", false },
	      { "/system.slice/kubelet.service", "", "", false }, { "/kubepods", "", "", true },
	      { "/kubepods/burstable", "", "", true },
	      { "/kubepods.slice/kubepods-burstable.slice", "", "", true },
	      { "/kubepods/burstable/pod" UID, "", UID, true },
	      { "/kubepods.slice/kubepods-pod" UID_ ".slice", "", UID, true },
	      { "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID_A ".scope", "", UID,
		true },
	      { "/machine.slice/libpod-conmon-" ID_A ".scope", "", "", false },
	      { "/machine.slice/machine-libpod_pod_" ID_A ".slice", "", "", false },
	      { "/kubepodsx/pod" UID, "", "", false });
}

static void what_is_nearly_an_id_is_none(void **state)
{
	(void)state;
	CHECK({ "/docker/" ID_A "0", "", "", false }, { "/docker/0" ID_A, "", "", false },
	      { "/docker/d2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a", "", "",
		false },
	      { "/docker/D2EB8E508185F86FDF6C8F9E336B9D337EF5D26D48082342E5C44A75EBD7F4A2", "", "",
		false },
	      { "/docker/g2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a2", "", "",
		false },
	      { "/system.slice/evil-docker-" ID_A ".scope", "", "", false },
	      { "/system.slice/docker-" ID_A ".scope.scope", "", "", false },
	      { "/system.slice/docker-" ID_A ".service", "", "", false },
	      { "/docker/" ID_A " (deleted)", "", "", false });
}

static void an_odd_pod_uid_stays_unknown_but_its_containers_do_not(void **state)
{
	(void)state;
	CHECK({ "/kubepods/pod/" ID_A, ID_A, "", true },
	      { "/kubepods/podmy-own-uid/" ID_A, ID_A, "", true },
	      { "/kubepods/pod4C62E495-0CF7-4486-B11F-2F5B1988D07F/" ID_A, ID_A, "", true },
	      { "/kubepods/pod" UID "0/" ID_A, ID_A, "", true },
	      { "/kubepods/pod4c62e4950cf7-4486-b11f-2f5b1988d07f--/" ID_A, ID_A, "", true },
	      { "/kubepods/pod" UID "/pod" HASH "/" ID_A, ID_A, UID, true });
}

static void stray_slashes_do_not_matter(void **state)
{
	(void)state;
	CHECK({ "kubepods/pod" UID "/" ID_A, ID_A, UID, true },
	      { "////kubepods///pod" UID "//" ID_A "///", ID_A, UID, true });
}

static uint64_t time_of(const char *piece, size_t size)
{
	_cleanup_buffer_ struct buffer path = { 0 };
	struct container_id got;
	uint64_t begin;

	while (path.size < size)
		assert_int_equal(buffer_append_text(&path, piece), 0);
	assert_int_equal(buffer_append(&path, "/" ID_A, sizeof("/" ID_A)), 0);
	begin = clock_boot_ns();
	assert_int_equal(container_id_parse(path.data, &got), CONTAINER_PATH_CONTAINER);
	assert_string_equal(got.id, ID_A);
	return clock_boot_ns() - begin;
}

/* Quadratic work on 2 MB would be minutes. */
static void long_paths_cost_linear_time(void **state)
{
	static const char *const pieces[] = {
		"/", "a", "-", "/kubepods", "-kubepods-pod", "kubepods", "/pod.slice", ":"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		assert_true(time_of(pieces[i], 2 << 20) < 2 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroupfs_driver_is_understood),
		cmocka_unit_test(systemd_driver_is_understood),
		cmocka_unit_test(cgroup_roots_of_the_kubelet_are_understood),
		cmocka_unit_test(containerd_with_cgroupfs_under_a_systemd_kubelet_is_understood),
		cmocka_unit_test(containers_outside_kubernetes_have_no_pod),
		cmocka_unit_test(the_outermost_container_names_what_is_nested_in_it),
		cmocka_unit_test(cgroups_above_and_beside_containers_are_none),
		cmocka_unit_test(what_is_nearly_an_id_is_none),
		cmocka_unit_test(an_odd_pod_uid_stays_unknown_but_its_containers_do_not),
		cmocka_unit_test(stray_slashes_do_not_matter),
		cmocka_unit_test(long_paths_cost_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
