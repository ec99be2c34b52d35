// SPDX-License-Identifier: GPL-2.0
/* One line for each event of a stream: rspctl monitor, rspctl trace. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rspctl.h"

/* what an event is called, and what of it is told */
enum {
	EV_OBJECT	= 1 << 0,	/* id is the number of the object of its kind */
	EV_CHAN		= 1 << 1,	/* service, endpoint, peer */
	EV_REASON	= 1 << 2,
	EV_BYTES	= 1 << 3,
	EV_STAGES	= 1 << 4,	/* time with its stages, status, in flight */
	EV_NS		= 1 << 5,
	EV_CHANGE	= 1 << 6,	/* from old to nr */
	EV_REGION	= 1 << 7,	/* id, name */
};

static const struct {
	const char	*kind, *event;
	unsigned int	tells;
	const char	*nr;		/* what it counts */
} events[RSP_NR_EVENT] = {
	[RSP_EVENT_POLICY_SWAP]	 = { "policy", "swap", EV_NS, NULL },
	[RSP_EVENT_POLICY_EJECT] = { "policy", "eject", 0, NULL },
	[RSP_EVENT_SVC_UP]	 = { "svc", "up", 0, NULL },
	[RSP_EVENT_SVC_DOWN]	 = { "svc", "down", 0, NULL },
	[RSP_EVENT_EP_UP]	 = { "ep", "up", 0, NULL },
	[RSP_EVENT_EP_DOWN]	 = { "ep", "down", EV_REASON, NULL },
	[RSP_EVENT_CHAN_UP]	 = { "chan", "up", EV_OBJECT | EV_CHAN, NULL },
	[RSP_EVENT_CHAN_DOWN]	 = { "chan", "down", EV_OBJECT | EV_CHAN | EV_REASON, NULL },
	[RSP_EVENT_CHAN_MOVE]	 = { "chan", "move", EV_OBJECT | EV_CHAN | EV_NS, NULL },
	[RSP_EVENT_SLOW]	 = { "slow", "exchange",
				     EV_OBJECT | EV_CHAN | EV_BYTES | EV_STAGES, NULL },
	[RSP_EVENT_POOL_GROW]	 = { "pool", "grow", EV_BYTES, NULL },
	[RSP_EVENT_POOL_REFUSE]	 = { "pool", "refuse", 0, "nr_buf" },
	[RSP_EVENT_CACHE_DROP]	 = { "cache", "drop", EV_OBJECT, "nr_block" },
	[RSP_EVENT_DESC_PUBLISH] = { "desc", "publish", EV_OBJECT | EV_REGION | EV_BYTES, NULL },
	[RSP_EVENT_DESC_REVOKE]	 = { "desc", "revoke", EV_OBJECT | EV_REGION, NULL },
	[RSP_EVENT_DESC_END]	 = { "desc", "end", EV_OBJECT | EV_REGION, NULL },
	[RSP_EVENT_DESC_LEFT]	 = { "desc", "left", EV_OBJECT | EV_REGION | EV_REASON, NULL },
	[RSP_EVENT_IO_SEND]	 = { "io", "send", EV_OBJECT | EV_BYTES, "nr_wr" },
	[RSP_EVENT_IO_RECV]	 = { "io", "recv", EV_OBJECT | EV_BYTES, NULL },
	[RSP_EVENT_IO_ACK]	 = { "io", "ack", EV_OBJECT | EV_BYTES | EV_STAGES, NULL },
	[RSP_EVENT_IO_STALL]	 = { "io", "stall", EV_OBJECT | EV_NS, NULL },
	[RSP_EVENT_IO_WINDOW]	 = { "io", "window", EV_OBJECT | EV_CHANGE, NULL },
	[RSP_EVENT_IO_GRANT]	 = { "io", "grant", EV_OBJECT | EV_CHANGE, NULL },
	[RSP_EVENT_IO_REG]	 = { "io", "reg", EV_OBJECT | EV_BYTES, "nr_page" },
	[RSP_EVENT_IO_INV]	 = { "io", "inv", EV_OBJECT, NULL },
	[RSP_EVENT_IO_ERROR]	 = { "io", "error", EV_OBJECT, NULL },
};

/* why it happened, as a word; NULL where nothing is told */
static const char *event_why(const struct rsp_event *event)
{
	switch (event->what) {
	case RSP_EVENT_CACHE_DROP:
		return rsp_remove_name(event->why);
	case RSP_EVENT_DESC_END:
		return rsp_desc_end_name(event->why);
	case RSP_EVENT_IO_INV:
		return rsp_inv_name(event->why);
	default:
		return NULL;
	}
}

/*
 * A field, as a member of the JSON object or as "name value" behind the ones before: the JSON key
 * without its unit, which stands behind the number.
 */
static void field_str(const char *name, const char *value)
{
	if (is_json)
		json_str(name, value);
	else if (*value)
		printf(" %s %s", name, value);
}

static void field_u64(const char *name, uint64_t value)
{
	if (is_json)
		json_u64(name, value);
	else
		printf(" %s %" PRIu64, name, value);
}

static void field_ns(const char *key, const char *name, uint64_t ns)
{
	char text[32];

	if (is_json) {
		json_u64(key, ns);
		return;
	}
	print_ns(ns, text, sizeof(text));
	printf(" %s %s", name, text);
}

static void field_bytes(uint64_t bytes)
{
	char text[32];

	if (is_json) {
		json_u64("bytes", bytes);
		return;
	}
	print_bytes(bytes, text, sizeof(text));
	printf(" %s", text);
}

static void field_reason(const char *name, int reason)
{
	if (is_json)
		json_s64(name, reason);
	else if (reason)
		printf(" %s %d (%s)", name, reason, strerror(-reason));
}

/* wall clock: the events have CLOCK_MONOTONIC */
static void event_time(uint64_t time_ns)
{
	struct tm tm;
	char text[16];
	time_t sec;

	time_ns += clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	if (is_json) {
		json_u64("time_ns", time_ns);
		return;
	}
	sec = time_ns / 1000000000;
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&sec, &tm));
	printf("%s.%06" PRIu64, text, time_ns % 1000000000 / 1000);
}

static void event_chan(const struct rsp_event *event)
{
	field_str("svc", svc_name(event->svc_id));
	field_u64(is_json ? "ep_id" : "ep", event->ep_id);
	if (event->what == RSP_EVENT_CHAN_MOVE)
		field_u64(is_json ? "from_ep_id" : "from", event->old);
	if (is_json || event->what == RSP_EVENT_CHAN_UP)
		field_str("peer", peer_addr(event->peer_id));
}

static void event_stages(const struct rsp_event *event)
{
	if (is_json || event->sent_ns)
		field_ns("sent_ns", "sent", event->sent_ns);
	if (is_json || event->posted_ns)
		field_ns("posted_ns", "posted", event->posted_ns);
	if (is_json || event->completed_ns)
		field_ns("completed_ns", "completed", event->completed_ns);
	field_ns("delivered_ns", "delivered", event->ns);
	field_u64("in_flight", event->nr);
	field_reason("status", event->reason);
}

/* what only one kind of event has */
static void event_own(const struct rsp_event *event)
{
	switch (event->what) {
	case RSP_EVENT_POLICY_SWAP:
		field_str("family", rsp_family_name(event->id));
		field_str("from", event->from);
		field_str("to", event->to);
		break;
	case RSP_EVENT_POLICY_EJECT:
		field_str("family", rsp_family_name(event->id));
		field_str("name", event->from);
		field_str("why", rsp_exit_name(event->why));
		field_str("msg", event->msg);	/* words: the last */
		break;
	case RSP_EVENT_SVC_UP:
	case RSP_EVENT_SVC_DOWN:
		field_u64("id", event->svc_id);
		field_str("name", event->from);
		break;
	case RSP_EVENT_EP_UP:
	case RSP_EVENT_EP_DOWN:
		field_u64("id", event->ep_id);
		field_str("dev", event->from);
		field_str("peer", peer_addr(event->peer_id));
		break;
	case RSP_EVENT_POOL_REFUSE:
		field_str("svc", svc_name(event->svc_id));
		field_str("class", rsp_class_name(event->id));
		break;
	case RSP_EVENT_POOL_GROW:
		field_str("class", rsp_class_name(event->id));
		break;
	case RSP_EVENT_IO_ERROR:
		/* numbers of the RDMA core: enum ib_wc_status, enum ib_wr_opcode */
		field_u64("wc_status", event->reason);
		field_u64("wr_opcode", event->nr);
		break;
	}
}

static void event_print(const struct rsp_event *event)
{
	unsigned int tells = events[event->what].tells;

	if (is_json)
		json_begin(NULL, '{');
	event_time(event->time_ns);
	if (is_json) {
		json_str("kind", events[event->what].kind);
		json_str("event", events[event->what].event);
	} else {
		printf(" %s %s", events[event->what].kind, events[event->what].event);
	}
	if (tells & EV_OBJECT)
		field_u64("id", event->id);
	event_own(event);
	if (tells & EV_CHAN)
		event_chan(event);
	if (tells & EV_REGION) {
		field_str("svc", event->from);
		field_u64("key", event->key);
	}
	if (tells & EV_BYTES)
		field_bytes(event->bytes);
	if (tells & EV_STAGES)
		event_stages(event);
	if (tells & EV_NS)
		field_ns("ns", "took", event->ns);
	if (tells & EV_CHANGE) {
		field_u64("from", event->old);
		field_u64("to", event->nr);
	}
	if (events[event->what].nr)
		field_u64(events[event->what].nr, event->nr);
	if (event_why(event))
		field_str("why", event_why(event));
	if (tells & EV_REASON)
		field_reason("reason", event->reason);
	if (is_json)
		json_end('}');
	else
		putchar('\n');
}

/* --------------------------------------------------------------- following --- */

static volatile sig_atomic_t is_over;
static volatile uint64_t over_ns;		/* set before is_over */

static void event_signal(int sig)
{
	(void)sig;
	over_ns = clock_ns(CLOCK_MONOTONIC);
	is_over = 1;
}

static int event_told(const struct rsp_event *event, void *arg)
{
	const uint32_t *chan = arg;

	if (event->what >= RSP_NR_EVENT)
		return 0;
	event_print(event);
	/* what came until the end is told, and not what comes meanwhile: that may be more than can be printed */
	if (is_over && event->time_ns >= over_ns)
		return 1;
	/* who is followed is gone */
	return *chan && event->what == RSP_EVENT_CHAN_DOWN && event->id == *chan;
}

int event_follow(unsigned int kinds, uint32_t chan, uint64_t slow_ns)
{
	struct sigaction action = { .sa_handler = event_signal };
	struct rsp_stream *stream;
	unsigned long long lost;
	int answer = 0;

	if (!host_get())
		return 1;
	stream = rsp_stream_open(kinds, chan, slow_ns, event_told, &chan);
	if (!stream)
		return fail_rsp();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* it may have gone down before anybody listened */
	if (chan && !chan_exists(chan))
		answer = 1;
	while (!answer && !is_over) {
		answer = rsp_stream_poll(stream, 100);
		/* each line at once; nobody may read them any more */
		if (fflush(stdout) || ferror(stdout))
			is_over = 1;
	}
	/* what came until the end */
	if (!answer)
		answer = rsp_stream_poll(stream, 0);
	lost = rsp_stream_lost(stream);
	rsp_stream_close(stream);
	if (answer < 0)
		return fail_rsp();
	if (lost && is_json) {
		json_begin(NULL, '{');
		json_u64("nr_lost", lost);
		json_end('}');
	} else if (lost) {
		fprintf(stderr, "rspctl: %llu events were lost: they came faster than they were read\n",
			lost);
	}
	return 0;
}
