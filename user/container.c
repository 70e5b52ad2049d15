/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include <errno.h>
#include <string.h>

/* How a waiting line lies in the buffer; its bytes follow, padded to 8. */
struct kept_line {
	struct log_line line; /* text and comm are set when it is taken out */
	char comm[16];
};

int container_new(uint64_t cgroup, const char *path, struct container **ret)
{
	_cleanup_(container_freep) struct container *container = calloc(1, sizeof(*container));

	if (!container)
		return -ENOMEM;
	container->cgroup = cgroup;
	container->path = strdup(path);
	if (!container->path)
		return -ENOMEM;
	container_id_parse(path, &container->id);
	*ret = TAKE_PTR(container);
	return 0;
}

struct container *container_free(struct container *container)
{
	if (!container)
		return NULL;
	while (container->streams) {
		struct container_stream *first = container->streams;

		container->streams = first->next;
		stream_free(first->stream);
		free(first);
	}
	names_release(&container->names);
	buffer_release(&container->waiting);
	free(container->path);
	free(container);
	return NULL;
}

static size_t padded(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

int container_keep_line(struct container *container, const struct log_line *line)
{
	struct kept_line kept = { .line = *line };
	int r = buffer_reserve(&container->waiting, sizeof(kept) + padded(line->length));

	if (r < 0)
		return r;
	if (line->comm)
		strncpy(kept.comm, line->comm, sizeof(kept.comm) - 1);
	buffer_append(&container->waiting, &kept, sizeof(kept));
	memcpy(container->waiting.data + container->waiting.size, line->text, line->length);
	container->waiting.size += padded(line->length);
	return 0;
}

void container_release_lines(struct container *container,
			     void (*call)(void *context, struct container *container,
					  const struct log_line *line),
			     void *context)
{
	struct buffer lines = container->waiting;
	size_t at = 0;

	container->waiting = (struct buffer){ 0 };
	while (at < lines.size) {
		struct kept_line *kept = (struct kept_line *)(void *)(lines.data + at);

		at += sizeof(*kept);
		kept->line.text = lines.data + at;
		kept->line.comm = kept->comm[0] ? kept->comm : NULL;
		at += padded(kept->line.length);
		call(context, container, &kept->line);
	}
	buffer_release(&lines);
}
