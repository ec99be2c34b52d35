// SPDX-License-Identifier: GPL-2.0
/* A stream of events: BPF programs that are there as long as somebody listens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "bpf/stream.skel.h"

struct rsp_stream {
	struct stream_bpf	*skel;
	struct ring_buffer	*ring;
	rsp_event_fn		fn;
	void			*arg;
	int			answer;		/* what fn ended the poll with */
	struct {
		struct rsp_event_count key;
		__u64		told;
	}			*counts;
	int			nr_count;
};

/* program ev_KIND_EVENT: is its kind asked for? */
static bool rsp_stream_wants(const char *prog, unsigned int kinds)
{
	static const char * const words[RSP_STREAM_NR_KIND] = {
		"policy", "svc", "ep", "chan", "slow", "pool", "cache", "desc", "io",
	};

	for (unsigned int i = 0; i < RSP_STREAM_NR_KIND; i++) {
		size_t len = strlen(words[i]);

		if ((kinds & 1u << i) && !strncmp(prog + 3, words[i], len) && prog[3 + len] == '_')
			return true;
	}
	return false;
}

static int rsp_stream_event(void *ctx, void *data, size_t size)
{
	struct rsp_stream *stream = ctx;

	(void)size;
	stream->answer = stream->fn(data, stream->arg);
	return stream->answer ? -ECANCELED : 0;
}

struct rsp_stream *rsp_stream_open(unsigned int kinds, __u32 chan, unsigned long long slow_ns,
				   rsp_event_fn fn, void *arg)
{
	struct bpf_program *prog;
	struct rsp_stream *stream;
	int err;

	if (rsp_check())
		return NULL;
	rsp_error_catch();
	stream = calloc(1, sizeof(*stream));
	if (stream)
		stream->skel = stream_bpf__open();
	if (!stream || !stream->skel) {
		rsp_fail(-errno, "the programs of the stream are no BPF object: %s",
			 strerror(errno));
		goto err_close;
	}
	stream->fn = fn;
	stream->arg = arg;
	stream->skel->rodata->only_chan = chan;
	stream->skel->rodata->slow_ns = slow_ns;
	bpf_object__for_each_program(prog, stream->skel->obj)
		bpf_program__set_autoload(prog, rsp_stream_wants(bpf_program__name(prog), kinds));
	err = stream_bpf__load(stream->skel) ?: stream_bpf__attach(stream->skel);
	if (err == -EPERM || err == -EACCES)
		rsp_fail(err, "not permitted to load BPF programs (are you root?)");
	else if (err)
		rsp_fail_bpf(err, "the programs of the stream were not accepted: %s",
			     strerror(-err));
	if (err)
		goto err_close;
	stream->ring = ring_buffer__new(bpf_map__fd(stream->skel->maps.ring), rsp_stream_event,
					stream, NULL);
	if (!stream->ring) {
		rsp_fail(-errno, "no ring buffer: %s", strerror(errno));
		goto err_close;
	}
	return stream;

err_close:
	err = errno;
	rsp_stream_close(stream);
	errno = err ?: EIO;
	return NULL;
}

void rsp_stream_close(struct rsp_stream *stream)
{
	if (!stream)
		return;
	ring_buffer__free(stream->ring);
	stream_bpf__destroy(stream->skel);
	free(stream->counts);
	free(stream);
}

unsigned long long rsp_stream_lost(const struct rsp_stream *stream)
{
	return stream->skel->bss->lost;
}

/* what has been told of this count; NULL without memory */
static __u64 *rsp_stream_told(struct rsp_stream *stream, const struct rsp_event_count *key)
{
	void *counts;

	for (int i = 0; i < stream->nr_count; i++) {
		if (!memcmp(&stream->counts[i].key, key, sizeof(*key)))
			return &stream->counts[i].told;
	}
	counts = realloc(stream->counts, (stream->nr_count + 1) * sizeof(*stream->counts));
	if (!counts)
		return NULL;
	stream->counts = counts;
	stream->counts[stream->nr_count].key = *key;
	stream->counts[stream->nr_count].told = 0;
	return &stream->counts[stream->nr_count++].told;
}

/* all of them: they are few, and whoever ends at one of them wants the others of that moment, too */
static int rsp_stream_counts(struct rsp_stream *stream)
{
	int fd = bpf_map__fd(stream->skel->maps.counts);
	struct rsp_event_count key, *at = NULL;
	struct timespec now;
	int answer = 0;

	for (; !bpf_map_get_next_key(fd, at, &key); at = &key) {
		struct rsp_event event = {
			.what = key.what, .id = key.id, .svc_id = key.svc_id, .why = key.why,
		};
		__u64 sum, *told = rsp_stream_told(stream, &key);

		if (!told || bpf_map_lookup_elem(fd, &key, &sum) || sum == *told)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		event.time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
		event.nr = sum - *told;
		*told = sum;
		answer = stream->fn(&event, stream->arg) ?: answer;
	}
	return answer;
}

int rsp_stream_poll(struct rsp_stream *stream, int timeout_ms)
{
	int err, answer;

	stream->answer = 0;
	err = ring_buffer__poll(stream->ring, timeout_ms);
	if (!stream->answer && err < 0 && err != -EINTR)
		return rsp_fail(err, "cannot read the ring buffer: %s", strerror(-err));
	answer = rsp_stream_counts(stream);
	return stream->answer ?: answer;
}
