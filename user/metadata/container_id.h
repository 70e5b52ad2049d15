/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cgroup path says: the container id and, for Kubernetes' shapes, the pod's uid. Both
 * drivers (cgroupfs, systemd), containerd, docker, cri-o and podman. Pure functions over hostile
 * text, in linear time.
 */
#ifndef RINGTAIL_METADATA_CONTAINER_ID_H
#define RINGTAIL_METADATA_CONTAINER_ID_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTAINER_ID_SIZE = 65, POD_UID_SIZE = 37 }; /* with their NULs */

struct container_id {
	char id[CONTAINER_ID_SIZE]; /* 64 lower-case hex digits; "": the path names no container */
	char pod_uid[POD_UID_SIZE]; /* with dashes; of a static pod its 32-hex hash; "": none */
	bool kubernetes;            /* below a kubepods cgroup */
};

enum container_path { CONTAINER_PATH_OTHER, CONTAINER_PATH_CONTAINER };

/*
 * `path` is relative to the hierarchy's root ("/kubepods.slice/..."). For a cgroup nested inside a
 * container the outermost container is named. Always fills *ret: a pod's own cgroup is
 * CONTAINER_PATH_OTHER with its uid.
 */
enum container_path container_id_parse(const char *path, struct container_id *ret);

/* 64 lower-case hex digits and nothing else. */
bool container_id_is_valid(const char *text, size_t length);

#endif
