/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/lane.h"

#include <errno.h>
#include <string.h>

int lane_new(const char *group, const char *stream, void *owner, struct lane **ret)
{
	_cleanup_(lane_freep) struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return -ENOMEM;
	TAILQ_INIT(&lane->parcels);
	lane->owner = owner;
	lane->group = strdup(group);
	lane->stream = strdup(stream);
	if (!lane->group || !lane->stream)
		return -ENOMEM;
	*ret = TAKE_PTR(lane);
	return 0;
}

struct lane *lane_free(struct lane *lane)
{
	if (lane) {
		buffer_release(&lane->body);
		free(lane->group);
		free(lane->stream);
		free(lane);
	}
	return NULL;
}

int parcel_new(struct lane *lane, struct parcel **ret)
{
	_cleanup_(parcel_freep) struct parcel *parcel = calloc(1, sizeof(*parcel));
	int r;

	if (!parcel)
		return -ENOMEM;
	parcel->lane = lane;
	r = batch_new(lane->group, lane->stream, &parcel->batch);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(parcel);
	return 0;
}

struct parcel *parcel_free(struct parcel *parcel)
{
	if (parcel) {
		batch_free(parcel->batch);
		free(parcel);
	}
	return NULL;
}

struct batch *parcel_batch(struct parcel *parcel)
{
	return parcel->batch;
}

static int take_hash(struct parcel *parcel)
{
	size_t size;
	const void *body = batch_body(parcel->batch, &size);

	return parcel->body_sha256[0] ? 0 : sigv4_hash(body, size, parcel->body_sha256);
}

int parcel_seal(struct parcel *parcel, bool gzip)
{
	int r = 0;

	if (!parcel->sealed)
		r = batch_seal(parcel->batch, gzip);
	else if (!gzip && batch_is_gzip(parcel->batch))
		return parcel_make_plain(parcel);
	if (r < 0)
		return r;
	parcel->sealed = true;
	return take_hash(parcel);
}

int parcel_make_plain(struct parcel *parcel)
{
	int r;

	if (!batch_is_gzip(parcel->batch))
		return -EALREADY;
	r = batch_decompress(parcel->batch);
	if (r < 0)
		return r;
	parcel->body_sha256[0] = '\0';
	return take_hash(parcel);
}
