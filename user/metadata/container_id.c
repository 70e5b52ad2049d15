/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/container_id.h"

#include <string.h>

enum { ID_LENGTH = CONTAINER_ID_SIZE - 1, UUID_LENGTH = POD_UID_SIZE - 1, HASH_LENGTH = 32 };

struct span {
	const char *at;
	size_t length;
};

static bool span_equals(struct span span, const char *text)
{
	return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

static bool skip_prefix(struct span *span, const char *prefix)
{
	size_t length = strlen(prefix);

	if (span->length < length || memcmp(span->at, prefix, length) != 0)
		return false;
	span->at += length;
	span->length -= length;
	return true;
}

static bool cut_suffix(struct span *span, const char *suffix)
{
	size_t length = strlen(suffix);

	if (span->length < length || memcmp(span->at + span->length - length, suffix, length) != 0)
		return false;
	span->length -= length;
	return true;
}

/* Takes the next non-empty piece between `separators` off the front of `rest`. */
static bool next_piece(struct span *rest, const char *separators, struct span *ret)
{
	size_t length;

	while (rest->length > 0 && strchr(separators, *rest->at)) {
		rest->at++;
		rest->length--;
	}
	for (length = 0; length < rest->length && !strchr(separators, rest->at[length]); length++)
		;
	*ret = (struct span){ rest->at, length };
	rest->at += length;
	rest->length -= length;
	return length > 0;
}

/* Kubernetes and the runtimes write lower case only; anything else is somebody else's name. */
static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool all_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_hex(text[i]))
			return false;
	return true;
}

bool container_id_is_valid(const char *text, size_t length)
{
	return length == ID_LENGTH && all_hex(text, length);
}

/* 8-4-4-4-12; systemd's slices have underscores where the uid has dashes. */
static bool read_uuid(struct span text, char ret[static POD_UID_SIZE])
{
	if (text.length != UUID_LENGTH)
		return false;
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.at[i] != '-' && text.at[i] != '_' : !is_hex(text.at[i]))
			return false;
	}
	for (size_t i = 0; i < UUID_LENGTH; i++)
		ret[i] = text.at[i] == '_' ? '-' : text.at[i];
	ret[UUID_LENGTH] = '\0';
	return true;
}

/* The first pod on the way down counts. A uid of another shape, from a manifest, stays unknown. */
static void read_pod_uid(struct span text, struct container_id *ret)
{
	if (ret->pod_uid[0] || read_uuid(text, ret->pod_uid))
		return;
	if (text.length == HASH_LENGTH && all_hex(text.at, text.length)) {
		memcpy(ret->pod_uid, text.at, HASH_LENGTH);
		ret->pod_uid[HASH_LENGTH] = '\0';
	}
}

/*
 * cgroupfs: "kubepods", then "pod<uid>". systemd: each slice repeats its parents' names,
 * "kubelet-kubepods-burstable-pod<uid>.slice"; what stands before "kubepods" is the kubelet's
 * --cgroup-root.
 */
static void read_pod(struct span name, struct container_id *ret)
{
	struct span piece;

	if (!cut_suffix(&name, ".slice")) {
		if (span_equals(name, "kubepods"))
			ret->kubernetes = true;
		else if (ret->kubernetes && skip_prefix(&name, "pod"))
			read_pod_uid(name, ret);
		return;
	}
	while (next_piece(&name, "-", &piece)) {
		if (span_equals(piece, "kubepods"))
			ret->kubernetes = true;
		else if (ret->kubernetes && skip_prefix(&piece, "pod"))
			read_pod_uid(piece, ret);
	}
}

/*
 * An id alone or behind a runtime's prefix. Helpers such as crio-conmon-<id>.scope have another
 * prefix. Below libpod_parent an id alone is a podman pod's, whose containers come one level
 * deeper.
 */
static bool read_container(struct span name, struct span parent, struct container_id *ret)
{
	static const char *const prefixes[] = { "",        "cri-containerd-", "docker-", "crio-",
						"libpod-", "libpod-payload-", "nerdctl-" };
	struct span prefix;

	cut_suffix(&name, ".scope");
	if (name.length < ID_LENGTH)
		return false;
	prefix = (struct span){ name.at, name.length - ID_LENGTH };
	if (!container_id_is_valid(name.at + prefix.length, ID_LENGTH))
		return false;
	if (prefix.length == 0 && span_equals(parent, "libpod_parent"))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!span_equals(prefix, prefixes[i]))
			continue;
		memcpy(ret->id, name.at + prefix.length, ID_LENGTH);
		ret->id[ID_LENGTH] = '\0';
		return true;
	}
	return false;
}

/*
 * A colon separates too: containerd that drives cgroupfs while the kubelet speaks systemd makes
 * "<pod's slice>:cri-containerd:<id>" one directory.
 */
enum container_path container_id_parse(const char *path, struct container_id *ret)
{
	struct span rest = { path, strlen(path) }, name, parent = { path, 0 };

	*ret = (struct container_id){ 0 };
	while (next_piece(&rest, "/:", &name)) {
		if (read_container(name, parent, ret))
			return CONTAINER_PATH_CONTAINER;
		read_pod(name, ret);
		parent = name;
	}
	return CONTAINER_PATH_OTHER;
}
