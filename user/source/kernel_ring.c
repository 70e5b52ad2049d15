/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	DOZE_MS = 20,		     /* a line waits at most this long in the ring */
	PASS_BYTES = 4 << 20,	     /* then timers and other sources get their turn */
	GIVE_BACK_BYTES = 256 << 10, /* ring space is freed in steps, so that a burst meets room */
};

/*
 * The memory layout is the kernel's (kernel/bpf/ringbuf.c): consumer page, producer page, data
 * mapped twice.
 */
struct one_ring {
	_Atomic(unsigned long) *consumer;
	_Atomic(unsigned long) *producer;
	const char *data;
	uint64_t mask;
	size_t producer_mapping; /* bytes */
};

struct kernel_ring {
	struct one_ring rings[CAPTURE_RINGS_MAX];
	struct kernel_ring_source source;
	struct kernel_ring_handlers handlers;
	sd_event_source *wakeups[CAPTURE_RINGS_MAX];
	sd_event_source *timer;
	bool look_again;
};

static int map_ring(int fd, uint64_t size, struct one_ring *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int r = -errno;

		munmap(consumer, page);
		return r;
	}
	*ret = (struct one_ring){
		.consumer = consumer,
		.producer = producer,
		.data = (const char *)producer + page,
		.mask = size - 1,
		.producer_mapping = page + 2 * size,
	};
	return 0;
}

static void unmap_ring(struct one_ring *ring)
{
	if (!ring->consumer)
		return;
	munmap((void *)ring->producer, ring->producer_mapping);
	munmap((void *)ring->consumer, (size_t)sysconf(_SC_PAGESIZE));
}

/* Stops at the first record that is still being written: those behind it wait for it. */
static size_t drain_one(struct kernel_ring *ring, struct one_ring *one, size_t limit,
			bool *ret_more)
{
	unsigned long at = atomic_load_explicit(one->consumer, memory_order_relaxed);
	unsigned long given_back = at, start = at, end;
	size_t records = 0;

	end = atomic_load_explicit(one->producer, memory_order_acquire);
	while (at < end && at - start < limit) {
		const char *header = one->data + (at & one->mask);
		uint32_t length = atomic_load_explicit(
			(const _Atomic(uint32_t) *)(const void *)header, memory_order_acquire);

		if (length & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
			const struct capture_record *record =
				(const void *)(header + BPF_RINGBUF_HDR_SZ);

			if (length >= CAPTURE_HEADER_SIZE &&
			    record->length <= length - CAPTURE_HEADER_SIZE)
				ring->handlers.record(ring->handlers.context, record);
			records++;
		}
		length = (length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)) +
			 BPF_RINGBUF_HDR_SZ;
		at += (length + 7) & ~7UL;
		if (at - given_back >= GIVE_BACK_BYTES) {
			atomic_store_explicit(one->consumer, at, memory_order_release);
			given_back = at;
		}
	}
	atomic_store_explicit(one->consumer, at, memory_order_release);
	*ret_more |= at < end;
	return records;
}

static size_t drain_pass(struct kernel_ring *ring, size_t limit, bool *ret_more)
{
	size_t records = 0;

	*ret_more = false;
	for (unsigned int i = 0; i < ring->source.count; i++)
		records += drain_one(ring, &ring->rings[i], limit, ret_more);
	return records;
}

static void set_consumer(struct kernel_ring *ring, enum capture_consumer state)
{
	for (unsigned int i = 0; i < ring->source.count; i++)
		__atomic_store_n(&ring->source.wakeups[i].consumer, state, __ATOMIC_SEQ_CST);
}

static bool has_records(const struct kernel_ring *ring)
{
	for (unsigned int i = 0; i < ring->source.count; i++)
		if (atomic_load(ring->rings[i].producer) !=
		    atomic_load_explicit(ring->rings[i].consumer, memory_order_relaxed))
			return true;
	return false;
}

static void arm_timer(struct kernel_ring *ring, uint64_t delay_ms)
{
	uint64_t now;

	sd_event_now(sd_event_source_get_event(ring->timer), CLOCK_MONOTONIC, &now);
	sd_event_source_set_time(ring->timer, now + delay_ms * 1000);
	sd_event_source_set_enabled(ring->timer, SD_EVENT_ONESHOT);
}

/*
 * Asleep only after a pass that found nothing, and after a second look: the order (say so, then
 * look) pairs with the programs' (submit, then read what is said).
 */
static void pass(struct kernel_ring *ring)
{
	bool more, wanted = ring->look_again;
	size_t records;

	set_consumer(ring, CAPTURE_CONSUMER_AWAKE);
	ring->look_again = false;
	records = drain_pass(ring, PASS_BYTES, &more);
	ring->handlers.drained(ring->handlers.context);
	if (more &&
	    records > 0) { /* the pass was cut short: no wake-up needed, we come back at once */
		arm_timer(ring, 0);
		return;
	}
	if (records > 0 || more || wanted || ring->look_again) {
		set_consumer(ring, CAPTURE_CONSUMER_DOZING);
		arm_timer(ring, DOZE_MS);
		return;
	}
	set_consumer(ring, CAPTURE_CONSUMER_ASLEEP);
	if (has_records(ring)) {
		set_consumer(ring, CAPTURE_CONSUMER_DOZING);
		arm_timer(ring, 0);
		return;
	}
	sd_event_source_set_enabled(ring->timer, SD_EVENT_OFF);
}

static int on_wakeup(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source, (void)fd, (void)events;
	pass(context);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
	(void)source, (void)time;
	pass(context);
	return 0;
}

/* Edge-triggered: records that arrive without a wake-up must not turn the loop. */
static int watch(struct kernel_ring *ring, sd_event *loop)
{
	int r;

	for (unsigned int i = 0; i < ring->source.count; i++) {
		r = sd_event_add_io(loop, &ring->wakeups[i], ring->source.fds[i], EPOLLIN | EPOLLET,
				    on_wakeup, ring);
		if (r < 0)
			return r;
	}
	return sd_event_add_time_relative(loop, &ring->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
					  ring);
}

int kernel_ring_new(const struct kernel_ring_source *source, sd_event *loop,
		    const struct kernel_ring_handlers *handlers, struct kernel_ring **ret)
{
	_cleanup_(kernel_ring_freep) struct kernel_ring *ring = calloc(1, sizeof(*ring));
	int r;

	if (!ring)
		return -ENOMEM;
	ring->source = *source;
	ring->handlers = *handlers;
	for (unsigned int i = 0; i < source->count; i++) {
		r = map_ring(source->fds[i], source->size, &ring->rings[i]);
		if (r < 0)
			return r;
	}
	r = watch(ring, loop);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(ring);
	return 0;
}

struct kernel_ring *kernel_ring_free(struct kernel_ring *ring)
{
	if (!ring)
		return NULL;
	for (unsigned int i = 0; i < CAPTURE_RINGS_MAX; i++) {
		sd_event_source_disable_unref(ring->wakeups[i]);
		unmap_ring(&ring->rings[i]);
	}
	sd_event_source_disable_unref(ring->timer);
	free(ring);
	return NULL;
}

size_t kernel_ring_drain(struct kernel_ring *ring)
{
	size_t records = 0;
	bool more;

	do
		records += drain_pass(ring, SIZE_MAX, &more);
	while (more && has_records(ring));
	ring->handlers.drained(ring->handlers.context);
	return records;
}

void kernel_ring_look_again(struct kernel_ring *ring)
{
	ring->look_again = true;
}
