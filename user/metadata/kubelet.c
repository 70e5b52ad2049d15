/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/kubelet.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "metadata/kubelet_request.h"

enum { SPACING_MS = 1000 }; /* between two requests, and the first retry's delay */

struct kubelet {
	struct kubelet_request *request; /* the thread's, but for the abort */
	uint64_t interval_ms;

	sd_event_source *source; /* the loop's from here on */
	pods_handler on_pods;
	void *context;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* timed by CLOCK_MONOTONIC */
	int wake_fd;            /* eventfd: `answer` is new */

	atomic_bool wanted; /* since the last request began; set under the lock, read without */
	bool stopping;      /* all of these under the lock */
	struct pod_table *answer; /* not yet handed out */
	char error[KUBELET_FAILURE_SIZE];
	char error_shown[KUBELET_FAILURE_SIZE]; /* the copy that kubelet_last_error returns */

	uint64_t next_ms;        /* the thread's from here on: when to ask unasked, */
	uint64_t next_wanted_ms; /* and when at the earliest if asked */
	unsigned failures;       /* in a row */
	int reason_logged;       /* of them; 0: none */
};

static void wait_until(struct kubelet *kubelet, uint64_t due_ms)
{
	struct timespec due = { (time_t)(due_ms / 1000), (long)(due_ms % 1000) * 1000000 };

	pthread_cond_timedwait(&kubelet->changed, &kubelet->lock, &due);
}

/* False: time to end. */
static bool wait_for_turn(struct kubelet *kubelet)
{
	bool stopping;

	pthread_mutex_lock(&kubelet->lock);
	while (!kubelet->stopping) {
		uint64_t due_ms = kubelet->wanted ? kubelet->next_wanted_ms : kubelet->next_ms;

		if (clock_monotonic_ms() >= due_ms)
			break;
		wait_until(kubelet, due_ms);
	}
	kubelet->wanted = false;
	stopping = kubelet->stopping;
	pthread_mutex_unlock(&kubelet->lock);
	return !stopping;
}

static int fetch_pods(struct kubelet *kubelet, struct pod_table **ret,
		      struct kubelet_failure *ret_failure)
{
	_cleanup_buffer_ struct buffer body = { 0 };
	_cleanup_free_ char *error = NULL;
	int r;

	r = kubelet_request_get(kubelet->request, &body, ret_failure);
	if (r < 0)
		return r;
	r = pod_table_parse(body.data, body.size, ret, &error);
	if (r == -EBADMSG)
		kubelet_failure_set(ret_failure, KUBELET_FAILURE_ANSWER,
				    "%s: the answer is no list of pods: %s",
				    kubelet_request_url(kubelet->request), error ? error : "");
	return r;
}

static void hand_out(struct kubelet *kubelet, struct pod_table *pods, const char *error)
{
	struct pod_table *unread = NULL;

	pthread_mutex_lock(&kubelet->lock);
	snprintf(kubelet->error, sizeof(kubelet->error), "%s", error);
	if (pods) {
		unread = kubelet->answer;
		kubelet->answer = pods;
	}
	pthread_mutex_unlock(&kubelet->lock);
	pod_table_free(unread);
	if (pods)
		eventfd_write(kubelet->wake_fd, 1);
}

static void note_success(struct kubelet *kubelet, uint64_t begin_ms, struct pod_table *pods)
{
	if (kubelet->reason_logged)
		log_info("kubelet: answers again, %zu containers", pod_table_count(pods));
	kubelet->failures = 0;
	kubelet->reason_logged = 0;
	kubelet->next_ms = begin_ms + kubelet->interval_ms;
	kubelet->next_wanted_ms = begin_ms + SPACING_MS;
	hand_out(kubelet, pods, "");
}

static uint64_t retry_delay_ms(const struct kubelet *kubelet)
{
	uint64_t delay_ms = SPACING_MS;

	for (unsigned i = 1; i < kubelet->failures && delay_ms < kubelet->interval_ms; i++)
		delay_ms *= 2;
	return delay_ms < kubelet->interval_ms ? delay_ms : kubelet->interval_ms;
}

static void note_failure(struct kubelet *kubelet, const struct kubelet_failure *failure)
{
	uint64_t now_ms = clock_monotonic_ms(), delay_ms;

	kubelet->failures++;
	delay_ms = retry_delay_ms(kubelet);
	kubelet->next_ms = now_ms + delay_ms;
	kubelet->next_wanted_ms = now_ms + SPACING_MS;
	if (kubelet->reason_logged != failure->reason)
		log_warning("kubelet: %s, retrying in %ds", failure->text, (int)(delay_ms / 1000));
	kubelet->reason_logged = failure->reason;
	hand_out(kubelet, NULL, failure->text);
}

static void ask(struct kubelet *kubelet)
{
	struct kubelet_failure failure = { .reason = ENOMEM, .text = "out of memory" };
	uint64_t begin_ms = clock_monotonic_ms();
	struct pod_table *pods;
	int r;

	r = fetch_pods(kubelet, &pods, &failure);
	if (r == 0)
		note_success(kubelet, begin_ms, pods);
	else if (r != -ECANCELED)
		note_failure(kubelet, &failure);
}

static void *work(void *argument)
{
	struct kubelet *kubelet = argument;

	while (wait_for_turn(kubelet))
		ask(kubelet);
	return NULL;
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *context)
{
	_cleanup_(pod_table_freep) struct pod_table *pods = NULL;
	struct kubelet *kubelet = context;
	eventfd_t count;

	(void)source;
	(void)events;
	eventfd_read(fd, &count);
	pthread_mutex_lock(&kubelet->lock);
	pods = TAKE_PTR(kubelet->answer);
	pthread_mutex_unlock(&kubelet->lock);
	if (pods)
		kubelet->on_pods(kubelet->context, pods);
	return 0;
}

/* Signals are the loop's: the thread takes none, nor dies of a SIGPIPE. */
static int start_thread(struct kubelet *kubelet)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&kubelet->thread, NULL, work, kubelet);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_setname_np(kubelet->thread, "kubelet");
	return r;
}

static void init_locks(struct kubelet *kubelet)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&kubelet->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&kubelet->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* All but the thread, which has ended or never began. */
static struct kubelet *release(struct kubelet *kubelet)
{
	sd_event_source_disable_unref(kubelet->source);
	if (kubelet->wake_fd >= 0)
		close(kubelet->wake_fd);
	kubelet_request_free(kubelet->request);
	pod_table_free(kubelet->answer);
	pthread_cond_destroy(&kubelet->changed);
	pthread_mutex_destroy(&kubelet->lock);
	free(kubelet);
	return NULL;
}

DEFINE_CLEANUP(struct kubelet *, release)

int kubelet_new(const struct kubelet_options *options, sd_event *loop, pods_handler on_pods,
		void *context, struct kubelet **ret)
{
	_cleanup_(releasep) struct kubelet *kubelet = calloc(1, sizeof(*kubelet));
	int r;

	if (!kubelet)
		return -ENOMEM;
	init_locks(kubelet);
	kubelet->on_pods = on_pods;
	kubelet->context = context;
	kubelet->interval_ms = options->interval_ms > SPACING_MS ? options->interval_ms
								 : SPACING_MS;
	strcpy(kubelet->error, "no answer yet");
	kubelet->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (kubelet->wake_fd < 0)
		return -errno;
	r = sd_event_add_io(loop, &kubelet->source, kubelet->wake_fd, EPOLLIN, on_wake, kubelet);
	if (r < 0)
		return r;
	r = kubelet_request_new(options, &kubelet->request);
	if (r < 0)
		return r;
	r = start_thread(kubelet);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(kubelet);
	return 0;
}

struct kubelet *kubelet_free(struct kubelet *kubelet)
{
	if (!kubelet)
		return NULL;
	pthread_mutex_lock(&kubelet->lock);
	kubelet->stopping = true;
	pthread_cond_signal(&kubelet->changed);
	pthread_mutex_unlock(&kubelet->lock);
	kubelet_request_abort(kubelet->request);
	pthread_join(kubelet->thread, NULL);
	return release(kubelet);
}

void kubelet_refresh(struct kubelet *kubelet)
{
	if (kubelet->wanted)
		return;
	pthread_mutex_lock(&kubelet->lock);
	kubelet->wanted = true;
	pthread_cond_signal(&kubelet->changed);
	pthread_mutex_unlock(&kubelet->lock);
}

const char *kubelet_last_error(const struct kubelet *kubelet)
{
	/* Only the lock and the copy change. */
	struct kubelet *unlocked = (struct kubelet *)kubelet;

	pthread_mutex_lock(&unlocked->lock);
	memcpy(unlocked->error_shown, unlocked->error, sizeof(unlocked->error_shown));
	pthread_mutex_unlock(&unlocked->lock);
	return kubelet->error_shown;
}
