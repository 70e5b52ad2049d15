/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/sender.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "deliver/caller.h"
#include "deliver/schedule.h"
#include "deliver/trouble.h"

enum { BASE_MS = 200, CAP_MS = 30 * 1000, SLOW_MS = 30 * 1000, DRAIN_MS = 200 };
enum { AFTER_FAILED_TURN_US = 100 * 1000 };

struct sender {
	/* Set once. */
	struct course_rules rules;
	struct cloudwatch_group_options group;
	sender_handler handler;
	void *context;
	sd_event_source *settled_source;
	int settled_fd;
	pthread_t thread;
	bool has_thread;
	struct caller *caller; /* the thread's, but for caller_wake */

	/* Shared, under the lock. */
	pthread_mutex_t lock;
	struct parcel_list submitted, settled;
	bool stopping, draining;
	struct sender_counters counters;

	/* The thread's own. */
	struct schedule schedule;
	struct parcel_list unsealed;
	bool gzip;
	bool drains; /* has seen `draining` */
	struct trouble trouble;
};

/* Counters ------------------------------------------------------------------------------------- */

/* Counts what the parcel holds now instead of what it held; 0 when it leaves us. */
static void count_memory(struct sender *sender, struct parcel *parcel, size_t bytes)
{
	pthread_mutex_lock(&sender->lock);
	sender->counters.memory_bytes += bytes - parcel->memory_bytes;
	pthread_mutex_unlock(&sender->lock);
	parcel->memory_bytes = bytes;
}

static void count_answer(struct sender *sender, const struct lane *lane, bool throttled,
			 const char *error)
{
	pthread_mutex_lock(&sender->lock);
	sender->counters.requests++;
	sender->counters.retries += lane->repeats;
	sender->counters.throttled += throttled;
	sender->counters.clock_offset_ms = caller_clock_offset_ms(sender->caller);
	snprintf(sender->counters.last_error, sizeof(sender->counters.last_error), "%s", error);
	pthread_mutex_unlock(&sender->lock);
}

void sender_read_counters(struct sender *sender, struct sender_counters *ret)
{
	pthread_mutex_lock(&sender->lock);
	*ret = sender->counters;
	pthread_mutex_unlock(&sender->lock);
}

static void forget_unsealed(struct sender *sender, struct parcel *parcel)
{
	if (parcel->is_listed)
		TAILQ_REMOVE(&sender->unsealed, parcel, unsealed_link);
	parcel->is_listed = false;
}

/*
 * Hands the lane's first parcel back. The lane is put where it belongs before that, for the loop
 * may free an empty lane as soon as it has the parcel.
 */
static void settle(struct sender *sender, struct lane *lane,
		   const struct batch_rejection *rejection)
{
	struct parcel *parcel = TAILQ_FIRST(&lane->parcels);
	const uint64_t one = 1;

	TAILQ_REMOVE(&lane->parcels, parcel, link);
	parcel->rejection = *rejection;
	forget_unsealed(sender, parcel);
	lane->repeats = false;
	if (!TAILQ_EMPTY(&lane->parcels))
		schedule_add_ready(&sender->schedule, lane);
	pthread_mutex_lock(&sender->lock);
	TAILQ_INSERT_TAIL(&sender->settled, parcel, link);
	pthread_mutex_unlock(&sender->lock);
	if (write(sender->settled_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN); /* the counter is full: the loop has enough to see */
}

/* Answers -------------------------------------------------------------------------------------- */

static bool remedy(struct sender *sender, struct lane *lane, const struct http_answer *http,
		   enum cloudwatch_action action)
{
	struct parcel *parcel = TAILQ_FIRST(&lane->parcels);

	if (http->error)
		return http->reused;
	switch (action) {
	case CLOUDWATCH_RENEW:
		return caller_renew_credentials(sender->caller);
	case CLOUDWATCH_CORRECT_CLOCK:
		if (lane->signed_offset_ms != caller_clock_offset_ms(sender->caller))
			return true; /* by the answer to another lane */
		return caller_correct_clock(sender->caller, http->date_ms);
	case CLOUDWATCH_UNREADABLE:
		if (lane->course.operation != PUT_LOG_EVENTS || parcel_make_plain(parcel) < 0)
			return false;
		parcel->made_plain = true;
		count_memory(sender, parcel, batch_memory_bytes(parcel->batch));
		return true;
	default:
		return false;
	}
}

static size_t at_most(size_t value, size_t bound)
{
	return value < bound ? value : bound;
}

static void accept(struct sender *sender, struct lane *lane, const struct batch_rejection *told)
{
	const struct parcel *parcel = TAILQ_FIRST(&lane->parcels);
	size_t events = batch_events(parcel->batch);
	const struct batch_rejection rejection = {
		.too_old_end = at_most(told->too_old_end, events),
		.expired_end = at_most(told->expired_end, events),
		.too_new_start = told->too_new_start < events ? told->too_new_start : SIZE_MAX,
	};

	if (parcel->made_plain && sender->gzip) {
		sender->gzip = false;
		log_info("the CloudWatch endpoint does not take gzip, sending plain bodies from "
			 "now on");
	}
	trouble_tell_refused_events(&sender->trouble, parcel->batch, &rejection);
	trouble_tell_success(&sender->trouble);
	settle(sender, lane, &rejection);
}

static void reject(struct sender *sender, struct lane *lane, const char *text)
{
	trouble_tell_rejected(TAILQ_FIRST(&lane->parcels)->batch, text);
	settle(sender, lane, &(struct batch_rejection){ .too_new_start = SIZE_MAX, .all = true });
}

/* The lane is in no list. */
static void go_on(struct sender *sender, struct lane *lane, const struct cloudwatch_answer *answer,
		  bool remedied, uint64_t asked_ms, const char *text)
{
	enum cloudwatch_operation operation = lane->course.operation;
	enum course_next next;
	uint64_t delay_ms;

	next = course_advance(&lane->course, &sender->rules, answer->action, remedied);
	lane->repeats = lane->course.operation == operation;
	switch (next) {
	case COURSE_ACCEPTED:
		accept(sender, lane, &answer->rejection);
		break;
	case COURSE_REJECTED:
		reject(sender, lane, text);
		break;
	case COURSE_NOW:
		schedule_add_ready(&sender->schedule, lane);
		break;
	case COURSE_LATER:
		delay_ms = course_delay_ms(&lane->course, &sender->rules, asked_ms, sender->drains);
		trouble_tell_retry(&sender->trouble, lane->group, lane->stream, answer->action,
				   text, delay_ms);
		schedule_add_waiting(&sender->schedule, lane, delay_ms);
		break;
	}
}

static void on_answer(void *context, const struct http_answer *http)
{
	struct lane *lane = context;
	struct sender *sender = lane->sender;
	struct cloudwatch_answer answer = { .action = CLOUDWATCH_RETRY };
	char text[TROUBLE_TEXT_SIZE];
	bool remedied;

	schedule_take_busy(&sender->schedule, lane);
	if (!http->error)
		cloudwatch_read_answer(lane->course.operation, http->status, http->body,
				       http->body_size, &answer);
	trouble_describe(lane->course.operation, &answer, http->error ? http->reason : NULL, text);
	remedied = remedy(sender, lane, http, answer.action);
	count_answer(sender, lane, answer.throttled, text);
	go_on(sender, lane, &answer, remedied, http->retry_after_ms, text);
}

/* Requests ------------------------------------------------------------------------------------- */

static int seal(struct sender *sender, struct parcel *parcel)
{
	int r = parcel_seal(parcel, sender->gzip);

	forget_unsealed(sender, parcel);
	count_memory(sender, parcel, batch_memory_bytes(parcel->batch));
	return r;
}

static int prepare(struct sender *sender, struct lane *lane, struct caller_request *ret)
{
	struct parcel *parcel = TAILQ_FIRST(&lane->parcels);
	int r;

	*ret = (struct caller_request){ .operation = lane->course.operation };
	if (ret->operation == PUT_LOG_EVENTS) {
		r = seal(sender, parcel);
		if (r < 0)
			return r;
		ret->body = batch_body(parcel->batch, &ret->body_size);
		ret->gzip = batch_is_gzip(parcel->batch);
		ret->body_sha256 = parcel->body_sha256;
		return 0;
	}
	buffer_clear(&lane->body);
	r = cloudwatch_body(ret->operation, lane->group, lane->stream, &sender->group, &lane->body);
	ret->body = lane->body.data;
	ret->body_size = lane->body.size;
	return r;
}

/* There was no call: no credentials, no memory. */
static void fail_without_call(struct sender *sender, struct lane *lane, int error)
{
	const struct cloudwatch_answer answer = { .action = CLOUDWATCH_RETRY };
	bool no_credentials = error == -ENOKEY || error == -EAGAIN;
	const char *reason = no_credentials ? "no AWS credentials" : strerror(-error);
	char text[TROUBLE_TEXT_SIZE];

	trouble_describe(lane->course.operation, &answer, reason, text);
	pthread_mutex_lock(&sender->lock);
	snprintf(sender->counters.last_error, sizeof(sender->counters.last_error), "%s", text);
	pthread_mutex_unlock(&sender->lock);
	go_on(sender, lane, &answer, false, 0, text);
}

static void start(struct sender *sender, struct lane *lane)
{
	struct parcel *parcel = TAILQ_FIRST(&lane->parcels);
	struct caller_request request;
	int r;

	if (!batch_events(parcel->batch)) {
		settle(sender, lane, &(struct batch_rejection){ .too_new_start = SIZE_MAX });
		return;
	}
	r = prepare(sender, lane, &request);
	if (r >= 0)
		r = caller_post(sender->caller, &request, on_answer, lane);
	if (r < 0) {
		fail_without_call(sender, lane, r);
		return;
	}
	lane->signed_offset_ms = caller_clock_offset_ms(sender->caller);
	schedule_add_busy(&sender->schedule, lane);
}

static void start_ready(struct sender *sender)
{
	struct lane *lane;

	while ((lane = schedule_take_next(&sender->schedule, SENDER_REQUESTS_MAX)))
		start(sender, lane);
}

/* The thread ----------------------------------------------------------------------------------- */

static void take_parcel(struct sender *sender, struct parcel *parcel)
{
	struct lane *lane = parcel->lane;
	bool was_empty = TAILQ_EMPTY(&lane->parcels);

	lane->sender = sender;
	TAILQ_INSERT_TAIL(&lane->parcels, parcel, link);
	TAILQ_INSERT_TAIL(&sender->unsealed, parcel, unsealed_link);
	parcel->is_listed = true;
	if (was_empty)
		schedule_add_ready(&sender->schedule, lane);
}

/* False: stop. */
static bool take_orders(struct sender *sender)
{
	struct parcel_list taken = TAILQ_HEAD_INITIALIZER(taken);
	bool stopping, draining;
	struct parcel *parcel;

	pthread_mutex_lock(&sender->lock);
	TAILQ_CONCAT(&taken, &sender->submitted, link);
	stopping = sender->stopping;
	draining = sender->draining;
	pthread_mutex_unlock(&sender->lock);
	while ((parcel = TAILQ_FIRST(&taken))) {
		TAILQ_REMOVE(&taken, parcel, link);
		take_parcel(sender, parcel);
	}
	if (draining && !sender->drains) {
		sender->drains = true;
		schedule_shorten_waits(&sender->schedule, &sender->rules);
	}
	return !stopping;
}

/*
 * While requests are under way the batches behind them are compressed, one a turn, so that a
 * backlog takes less memory and answers are not kept waiting. True: there are more. A failure is
 * tried again when the batch is due.
 */
static bool seal_ahead(struct sender *sender)
{
	struct parcel *parcel = TAILQ_FIRST(&sender->unsealed);

	if (!parcel)
		return false;
	forget_unsealed(sender, parcel);
	if (batch_events(parcel->batch))
		seal(sender, parcel);
	return !TAILQ_EMPTY(&sender->unsealed);
}

static void *run(void *context)
{
	struct sender *sender = context;

	while (take_orders(sender)) {
		bool has_work;
		int wait_ms;

		start_ready(sender);
		has_work = seal_ahead(sender);
		wait_ms = has_work ? 0 : schedule_wait_ms(&sender->schedule);
		if (caller_turn(sender->caller, wait_ms) < 0)
			usleep(AFTER_FAILED_TURN_US);
	}
	return NULL;
}

/* The loop's side ------------------------------------------------------------------------------ */

static int on_settled(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct sender *sender = context;
	struct parcel_list taken = TAILQ_HEAD_INITIALIZER(taken);
	struct parcel *parcel;
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	pthread_mutex_lock(&sender->lock);
	TAILQ_CONCAT(&taken, &sender->settled, link);
	pthread_mutex_unlock(&sender->lock);
	while ((parcel = TAILQ_FIRST(&taken))) {
		TAILQ_REMOVE(&taken, parcel, link);
		sender->handler(sender->context, parcel->lane->owner, parcel->batch,
				&parcel->rejection);
		count_memory(sender, parcel, 0);
		parcel_free(parcel);
	}
	return 0;
}

void sender_submit(struct sender *sender, struct parcel *parcel)
{
	parcel->memory_bytes = batch_memory_bytes(parcel->batch);
	pthread_mutex_lock(&sender->lock);
	sender->counters.memory_bytes += parcel->memory_bytes;
	TAILQ_INSERT_TAIL(&sender->submitted, parcel, link);
	pthread_mutex_unlock(&sender->lock);
	caller_wake(sender->caller);
}

static void order(struct sender *sender, bool *which)
{
	pthread_mutex_lock(&sender->lock);
	*which = true;
	pthread_mutex_unlock(&sender->lock);
	caller_wake(sender->caller);
}

void sender_drain(struct sender *sender)
{
	order(sender, &sender->draining);
}

/* All signals are the loop's. */
static int start_thread(struct sender *sender)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&sender->thread, NULL, run, sender);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r > 0)
		return -r;
	sender->has_thread = true;
	pthread_setname_np(sender->thread, "ringtail-sender");
	return 0;
}

static struct course_rules with_defaults(struct course_rules rules)
{
	rules.base_ms = rules.base_ms ?: BASE_MS;
	rules.cap_ms = rules.cap_ms ?: CAP_MS;
	rules.slow_ms = rules.slow_ms ?: SLOW_MS;
	rules.drain_ms = rules.drain_ms ?: DRAIN_MS;
	return rules;
}

static void init(struct sender *sender, const struct sender_options *options)
{
	sender->rules = with_defaults(options->rules);
	sender->group = options->group;
	sender->gzip = options->gzip;
	sender->settled_fd = -1;
	pthread_mutex_init(&sender->lock, NULL);
	TAILQ_INIT(&sender->submitted);
	TAILQ_INIT(&sender->settled);
	TAILQ_INIT(&sender->unsealed);
	schedule_init(&sender->schedule);
}

int sender_new(const struct sender_options *options, sd_event *loop, sender_handler handler,
	       void *context, struct sender **ret)
{
	_cleanup_(credentials_provider_freep) struct credentials_provider *provider =
		options->provider;
	_cleanup_(sender_freep) struct sender *sender = calloc(1, sizeof(*sender));
	int r;

	if (!sender)
		return -ENOMEM;
	init(sender, options);
	sender->handler = handler;
	sender->context = context;
	sender->settled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sender->settled_fd < 0)
		return -errno;
	r = sd_event_add_io(loop, &sender->settled_source, sender->settled_fd, EPOLLIN, on_settled,
			    sender);
	if (r >= 0)
		r = caller_new(options->endpoint, &options->http, TAKE_PTR(provider),
			       &sender->caller);
	if (r >= 0)
		r = start_thread(sender);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(sender);
	return 0;
}

static void free_parcels(struct parcel_list *parcels)
{
	struct parcel *parcel;

	while ((parcel = TAILQ_FIRST(parcels))) {
		TAILQ_REMOVE(parcels, parcel, link);
		parcel_free(parcel);
	}
}

struct sender *sender_free(struct sender *sender)
{
	struct lane *lane;

	if (!sender)
		return NULL;
	if (sender->has_thread) {
		order(sender, &sender->stopping);
		pthread_join(sender->thread, NULL);
	}
	caller_free(sender->caller);
	sd_event_source_disable_unref(sender->settled_source);
	if (sender->settled_fd >= 0)
		close(sender->settled_fd);
	while ((lane = schedule_take_any(&sender->schedule)))
		free_parcels(&lane->parcels);
	free_parcels(&sender->submitted);
	free_parcels(&sender->settled);
	pthread_mutex_destroy(&sender->lock);
	free(sender);
	return NULL;
}
