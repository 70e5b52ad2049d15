/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names without the API: the kubelet's log directory is
 * <pod_logs_dir>/<namespace>_<pod>_<uid>/<container>/<n>.log, and beside it
 * containers/<pod>_<namespace>_<container>-<id>.log links to it. Used when the kubelet does not
 * answer or no longer knows a container. Names from the file system are as hostile as any: they are
 * only ever data, and what Kubernetes would not accept as a name is passed over.
 */
#ifndef RINGTAIL_METADATA_LOG_DIR_H
#define RINGTAIL_METADATA_LOG_DIR_H

#include "base/cleanup.h"
#include "metadata/container_id.h"

struct log_dir_names {
	char *namespace, *pod;
	char *container; /* NULL when the directory does not tell which of several */
};

#define _cleanup_log_dir_names_ _cleanup_(log_dir_names_release)

void log_dir_names_release(struct log_dir_names *names);
/* -ENOENT: nothing there names this container. */
int log_dir_find(const char *pod_logs_dir, const struct container_id *id,
		 struct log_dir_names *ret);

#endif
