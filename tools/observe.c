// SPDX-License-Identifier: GPL-2.0
/* rspctl observe: switch the observers on and off, show what they counted. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

/* an entry of a map: its key, what is derived from it, its value */
#define OBS_ROW(what)				\
struct obs_##what {				\
	uint32_t		id;		\
	uint64_t		lat_p50_ns;	\
	uint64_t		lat_p99_ns;	\
	uint64_t		lat_mean_ns;	\
	struct rsp_obs_##what	obs;		\
}

OBS_ROW(svc);
OBS_ROW(chan);
OBS_ROW(ep);
OBS_ROW(rq);
OBS_ROW(desc);
OBS_ROW(cache);
OBS_ROW(slow);
OBS_ROW(pool);
OBS_ROW(policy);

struct obs_keys {
	uint32_t		id;
	uint32_t		dev_id;
	uint32_t		is_own;
	struct rsp_obs_keys	obs;
};

/* names are those of the fields of the map */
#define OBS(what, field, kind_, main_, help_) \
	{ .name = #field, .kind = kind_, .offset = offsetof(struct obs_##what, obs.field), \
	  .is_main = main_, .help = help_ }
#define OBS_ENUM(what, field, word_, main_, help_) \
	{ .name = #field, .kind = COL_WORD, .offset = offsetof(struct obs_##what, obs.field), \
	  .is_main = main_, .word = word_, .help = help_ }
#define OBS_IO(what, field, kind_, main_, help_) \
	{ .name = #field, .kind = kind_, .offset = offsetof(struct obs_##what, obs.io.field), \
	  .is_main = main_, .help = help_ }
#define OBS_STEPS(what, field, nr_, help_) \
	{ .name = #field, .kind = COL_STEPS, .offset = offsetof(struct obs_##what, obs.io.field), \
	  .nr = nr_, .help = help_ }

#define OBS_INV(what, name_, way, help_) \
	{ .name = name_, .kind = COL_COUNT, \
	  .offset = offsetof(struct obs_##what, obs.io.nr_inv[way]), .help = help_ }

#define OBS_REMOVE(name_, why, help_) \
	{ .name = name_, .kind = COL_COUNT, \
	  .offset = offsetof(struct obs_cache, obs.nr_remove[why]), .is_main = true, .help = help_ }

#define OBS_DESC_END(name_, way, help_) \
	{ .name = name_, .kind = COL_COUNT, \
	  .offset = offsetof(struct obs_desc, obs.nr_end[way]), .is_main = true, .help = help_ }

/* traffic, the same for services, channels and endpoints */
#define OBS_IO_COLS(what) \
	OBS_IO(what, nr_send, COL_COUNT, true, "messages sent"), \
	OBS_IO(what, send_bytes, COL_COUNT_BYTES, false, "bytes in them"), \
	OBS_IO(what, nr_wr, COL_COUNT, false, "work requests posted"), \
	OBS_IO(what, nr_recv, COL_COUNT, true, "messages received"), \
	OBS_IO(what, recv_bytes, COL_COUNT_BYTES, false, "bytes in them"), \
	OBS_IO(what, nr_ack, COL_COUNT, true, "exchanges finished"), \
	OBS_IO(what, ack_bytes, COL_COUNT_BYTES, true, "payload they moved"), \
	OBS_IO(what, nr_error, COL_COUNT, true, "exchanges that ended with an error"), \
	COL(obs_##what, lat_p50_ns, COL_NS, true, "half of the exchanges took at most this"), \
	COL(obs_##what, lat_p99_ns, COL_NS, true, "99 of 100 exchanges took at most this"), \
	COL(obs_##what, lat_mean_ns, COL_NS, false, "mean time of an exchange"), \
	OBS_IO(what, lat_sum_ns, COL_COUNT_NS, false, "sum of the times of exchanges"), \
	OBS_IO(what, lat_max_ns, COL_NS, true, "longest exchange"), \
	OBS_IO(what, nr_stall, COL_COUNT, true, "waits for the window or a send slot"), \
	OBS_IO(what, stall_sum_ns, COL_COUNT_NS, false, "sum of their times"), \
	OBS_IO(what, stall_max_ns, COL_NS, false, "longest wait"), \
	OBS_IO(what, nr_reg, COL_COUNT, false, "memory registrations"), \
	OBS_IO(what, reg_pages, COL_COUNT, false, "pages in them"), \
	OBS_IO(what, reg_bytes, COL_COUNT_BYTES, false, "bytes in them"), \
	OBS_INV(what, "nr_inv_remote", RSP_OBS_INV_REMOTE, \
		"keys invalidated by the peer, or never told to it"), \
	OBS_INV(what, "nr_inv_local", RSP_OBS_INV_LOCAL, "keys invalidated by this host"), \
	OBS_INV(what, "nr_inv_end", RSP_OBS_INV_END, "keys destroyed with their channel"), \
	OBS_IO(what, nr_work_error, COL_COUNT, false, "work requests failed, not what was flushed then"), \
	OBS_STEPS(what, lat_steps, RSP_OBS_NR_STEP, \
		  "exchanges by time: step n counts 2^n to 2^(n+1)-1 ns"), \
	OBS_STEPS(what, stall_steps, RSP_OBS_NR_STEP, "waits by time, likewise")

static const struct col svc_cols[] = {
	COL(obs_svc, id, COL_ID, true, "number of the service"),
	OBS(svc, name, COL_STR, true, "its name"),
	OBS(svc, is_gone, COL_BOOL, false, "it unregistered"),
	OBS(svc, nr_up, COL_COUNT, true, "channels that came up"),
	OBS(svc, nr_down, COL_COUNT, true, "channels that went down"),
	OBS(svc, nr_ask, COL_COUNT, false, "times it asked the pool for buffers"),
	OBS(svc, nr_want, COL_COUNT, false, "buffers asked for"),
	OBS(svc, nr_admit, COL_COUNT, false, "buffers admitted"),
	OBS(svc, max_held_bytes, COL_BYTES, true, "most pool memory seen held"),
	OBS_IO_COLS(svc),
};

static void chan_col_svc(const void *row, char *text, size_t size);

static const struct col chan_cols[] = {
	COL(obs_chan, id, COL_ID, true, "number of the channel"),
	COL_MADE("svc", chan_col_svc, true, "service it belongs to"),
	OBS_ENUM(chan, role, rsp_role_name, true, "client or server"),
	OBS(chan, ep_id, COL_ID, true, "endpoint it rides"),
	OBS(chan, is_down, COL_BOOL, true, "it went down"),
	OBS(chan, reason, COL_S32, false, "negative errno it went down with"),
	OBS(chan, in_flight, COL_U32, false, "exchanges in flight at the last event"),
	OBS(chan, max_in_flight, COL_U32, true, "most exchanges seen in flight"),
	OBS(chan, window, COL_U32, true, "window in force"),
	OBS(chan, min_window, COL_U32, false, "lowest window seen"),
	OBS(chan, max_window, COL_U32, false, "highest window seen"),
	OBS(chan, nr_window, COL_COUNT32, false, "changes of the window"),
	OBS(chan, grant, COL_U32, true, "credits advertised to the peer"),
	OBS(chan, nr_grant, COL_COUNT32, false, "changes of the grant"),
	OBS(chan, nr_move, COL_COUNT, false, "times it went to another endpoint"),
	OBS(chan, move_max_ns, COL_NS, false, "longest of these"),
	OBS(chan, svc_id, COL_ID, false, "number of the service"),
	OBS(chan, peer_id, COL_ID, false, "number of the peer"),
	OBS_IO_COLS(chan),
	OBS(chan, flight_sum, COL_COUNT, false,
	    "sum of the exchanges left in flight, each time one ended"),
	{ .name = "flight_steps", .kind = COL_STEPS, .nr = RSP_OBS_NR_FLIGHT,
	  .offset = offsetof(struct obs_chan, obs.flight_steps),
	  .help = "these by number: step n counts 2^n to 2^(n+1)-1 in flight" },
};

static const struct col ep_cols[] = {
	COL(obs_ep, id, COL_ID, true, "number of the endpoint"),
	OBS(ep, dev, COL_STR, true, "RDMA device, if it came up under observation"),
	OBS_ENUM(ep, role, rsp_role_name, false, "client or server"),
	OBS(ep, is_down, COL_BOOL, true, "it went down"),
	OBS(ep, reason, COL_S32, false, "negative errno it went down with"),
	OBS(ep, vector, COL_ID, true, "completion vector"),
	OBS(ep, peer_id, COL_ID, false, "number of the peer"),
	OBS(ep, rq_id, COL_ID, false, "number of the receive queue"),
	OBS_IO_COLS(ep),
	OBS(ep, nr_rnr, COL_COUNT, false,
	    "work requests that failed since the peer was never ready to receive"),
};

static const struct col rq_cols[] = {
	COL(obs_rq, id, COL_ID, true, "number of the receive queue"),
	OBS(rq, dev_id, COL_ID, true, "number of the device"),
	OBS(rq, vector, COL_ID, true, "completion vector"),
	OBS_ENUM(rq, class, rsp_class_name, true, "size class of its buffers"),
	OBS(rq, min_posted, COL_U32, true, "fewest receives seen posted at a refill"),
	OBS(rq, nr_refill, COL_COUNT, true, "batches posted"),
	OBS(rq, nr_posted, COL_COUNT, true, "receives in them"),
	OBS(rq, nr_empty, COL_COUNT, true, "times it ran low"),
};

#define OBS_KEYS(name_, how, help_) \
	{ .name = name_, .kind = COL_COUNT, .is_main = true, \
	  .offset = offsetof(struct obs_keys, obs.nr_take[how]), .help = help_ }

static const struct col keys_cols[] = {
	COL(obs_keys, dev_id, COL_ID, true, "number of the device"),
	COL(obs_keys, is_own, COL_BOOL, true,
	    "pools of single channels of the device, not the one that all others share"),
	OBS_KEYS("nr_hit", RSP_KEYS_POOLED, "keys that were there"),
	OBS_KEYS("nr_miss", RSP_KEYS_MADE, "keys made while someone waited for them"),
	OBS_KEYS("nr_none", RSP_KEYS_NONE, "times there was none, and the service came again"),
	OBS(keys, nr_grow, COL_COUNT, true, "keys made ahead"),
	OBS(keys, nr_give, COL_COUNT, true, "keys that came back, invalidated or never used"),
	OBS(keys, nr_destroy, COL_COUNT, true, "keys destroyed to make them invalid"),
};

static void slow_col_svc(const void *row, char *text, size_t size);
static void slow_col_ago(const void *row, char *text, size_t size);

static const struct col slow_cols[] = {
	OBS(slow, seq, COL_U64, false, "number of the sample"),
	COL_MADE("ago", slow_col_ago, true, "how long ago it ended"),
	OBS(slow, end_ns, COL_U64, false, "the same moment, in CLOCK_MONOTONIC"),
	OBS(slow, chan_id, COL_ID, true, "channel"),
	COL_MADE("svc", slow_col_svc, true, "service"),
	OBS(slow, ep_id, COL_ID, true, "endpoint"),
	OBS(slow, peer_id, COL_ID, false, "number of the peer"),
	OBS(slow, bytes, COL_BYTES, true, "payload it moved"),
	OBS(slow, sent_ns, COL_NS, true,
	    "from queued (the service's user asked for it) to sent: the service gave it to RSP"),
	OBS(slow, posted_ns, COL_NS, true, "from queued to posted to the device, 0 if unknown"),
	OBS(slow, completed_ns, COL_NS, true,
	    "from queued to completed: its reply was received, 0 if unknown"),
	OBS(slow, delivered_ns, COL_NS, true, "from queued to delivered: all of it"),
	OBS(slow, status, COL_S32, true, "negative errno, if it failed"),
	OBS(slow, in_flight, COL_U32, true, "others of the channel in flight then"),
	OBS(slow, window, COL_U32, true, "window in force then"),
};

static const struct col desc_cols[] = {
	COL(obs_desc, id, COL_ID, true, "number of the region"),
	OBS_ENUM(desc, role, rsp_role_name, true, "server (it publishes) or client (it holds)"),
	OBS(desc, svc, COL_STR, true, "service that publishes it"),
	OBS(desc, key, COL_U64, true, "its name among those of the service"),
	OBS(desc, len, COL_BYTES, true, "its size"),
	OBS(desc, epoch, COL_U32, false, "number of the publication"),
	OBS(desc, is_over, COL_BOOL, true, "revoked, or not held any more"),
	OBS(desc, reason, COL_S32, false, "held: negative errno it is not held any more for"),
	OBS(desc, nr_grant, COL_COUNT, true, "published: grants given"),
	OBS_DESC_END("nr_dropped", RSP_DESC_END_DROPPED, "grants given back"),
	OBS_DESC_END("nr_expired", RSP_DESC_END_EXPIRED, "grants whose lease was over"),
	OBS_DESC_END("nr_forced", RSP_DESC_END_FORCED, "grants revoked and not given back"),
	OBS_DESC_END("nr_conn", RSP_DESC_END_CONN, "grants that ended with a connection"),
};

static const struct col cache_cols[] = {
	COL(obs_cache, id, COL_ID, true, "number of the cache"),
	OBS(cache, nr_insert, COL_COUNT, true, "blocks that came in"),
	OBS_REMOVE("nr_evicted", RSP_REMOVE_EVICTED, "blocks that made room for others"),
	OBS_REMOVE("nr_invalidated", RSP_REMOVE_INVALIDATED, "blocks whose device changed"),
	OBS_REMOVE("nr_dropped", RSP_REMOVE_DROPPED, "blocks that went with a resize, a drop, a suspend"),
	OBS_REMOVE("nr_reclaimed", RSP_REMOVE_RECLAIMED, "blocks whose memory the pool took back"),
	OBS(cache, nr_used, COL_COUNT, true, "of all that went those that had been touched"),
	OBS(cache, nr_touch, COL_COUNT, true, "accesses told to the policy"),
	OBS(cache, nr_batch, COL_COUNT, false, "batches they were told in"),
};

static const struct col pool_cols[] = {
	{ .name = "class", .kind = COL_WORD, .offset = offsetof(struct obs_pool, id),
	  .is_main = true, .word = rsp_class_name, .help = "size class" },
	OBS(pool, nr_ask, COL_COUNT, true, "times a service asked for buffers"),
	OBS(pool, nr_want, COL_COUNT, true, "buffers asked for"),
	OBS(pool, nr_admit, COL_COUNT, true, "buffers admitted"),
	OBS(pool, nr_short, COL_COUNT, true, "answers below what was asked"),
	OBS(pool, nr_grow, COL_COUNT, true, "arenas added"),
	OBS(pool, grow_bytes, COL_COUNT_BYTES, true, "bytes in them"),
};

static const struct col policy_cols[] = {
	{ .name = "family", .kind = COL_WORD, .offset = offsetof(struct obs_policy, id),
	  .is_main = true, .word = rsp_family_name, .help = "policy family" },
	OBS(policy, nr_swap, COL_COUNT, true, "times another policy took over"),
	OBS(policy, swap_last_ns, COL_NS, true, "what the last swap took"),
	OBS(policy, swap_max_ns, COL_NS, true, "what the longest took"),
	OBS(policy, swap_sum_ns, COL_COUNT_NS, false, "sum over all swaps"),
	OBS(policy, from, COL_STR, true, "the last swap: from"),
	OBS(policy, to, COL_STR, true, "the last swap: to"),
	OBS(policy, nr_eject, COL_COUNT, true, "ejections"),
	{ .name = "ejected", .kind = COL_STR, .is_main = true,
	  .offset = offsetof(struct obs_policy, obs.ejected.name),
	  .help = "the last one ejected" },
	{ .name = "ejected_msg", .kind = COL_STR,
	  .offset = offsetof(struct obs_policy, obs.ejected.msg), .help = "why" },
};

/* name of a service by id, also of one that is gone: the observers know it */
static const char *obs_svc_name(uint32_t id)
{
	static struct rsp_obs_svc *svcs;
	static uint32_t *ids;
	static int nr = -1;

	if (nr < 0)
		nr = rsp_observe_list("svc", &ids, (void **)&svcs);
	for (int i = 0; i < nr; i++) {
		if (ids[i] == id)
			return svcs[i].name;
	}
	return "";
}

static int svc_is_svc(const void *row, const char *svc)
{
	const struct obs_svc *obs = row;

	return !strcmp(obs->obs.name, svc);
}

static int chan_has_svc(const void *row, const char *svc)
{
	const struct obs_chan *obs = row;

	return !strcmp(obs_svc_name(obs->obs.svc_id), svc);
}

static void chan_col_svc(const void *row, char *text, size_t size)
{
	const struct obs_chan *chan = row;

	snprintf(text, size, "%s", obs_svc_name(chan->obs.svc_id));
}

static void slow_col_svc(const void *row, char *text, size_t size)
{
	const struct obs_slow *slow = row;

	snprintf(text, size, "%s", obs_svc_name(slow->obs.svc_id));
}

static void slow_col_ago(const void *row, char *text, size_t size)
{
	const struct obs_slow *slow = row;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	print_ns(now_ns > slow->obs.end_ns ? now_ns - slow->obs.end_ns : 0, text, size);
}

static int slow_has_svc(const void *row, const char *svc)
{
	const struct obs_slow *slow = row;

	return !strcmp(obs_svc_name(slow->obs.svc_id), svc);
}

/* --------------------------------------------------------------- reading --- */

/* a step is wide: the longest of all may bound it better */
static uint64_t obs_percentile(const struct rsp_obs_io *io, double percent)
{
	uint64_t ns = rsp_observe_percentile(io->lat_steps, percent);

	return ns < io->lat_max_ns ? ns : io->lat_max_ns;
}

#define OBS_HAS_IO(what)						\
static void obs_##what##_derive(struct obs_##what *row)			\
{									\
	const struct rsp_obs_io *io = &row->obs.io;			\
									\
	row->lat_p50_ns = obs_percentile(io, 50);			\
	row->lat_p99_ns = obs_percentile(io, 99);			\
	row->lat_mean_ns = io->nr_ack ? io->lat_sum_ns / io->nr_ack : 0;	\
}

#define OBS_HAS_NO_IO(what)						\
static void obs_##what##_derive(struct obs_##what *row)			\
{									\
	(void)row;							\
}

OBS_HAS_IO(svc)
OBS_HAS_IO(chan)
OBS_HAS_IO(ep)
OBS_HAS_NO_IO(rq)
OBS_HAS_NO_IO(desc)
OBS_HAS_NO_IO(cache)
OBS_HAS_NO_IO(pool)
OBS_HAS_NO_IO(policy)

static void obs_keys_derive(struct obs_keys *row)
{
	row->dev_id = row->id / 2;
	row->is_own = row->id % 2;
}

/* Return: how many rows, or a negative errno. */
#define OBS_LIST(what)							\
static int obs_##what##_list(struct rsp_host *host, void **views)	\
{									\
	struct rsp_obs_##what *values;					\
	struct obs_##what *rows = NULL;					\
	uint32_t *keys;							\
	int nr;								\
									\
	(void)host;							\
	nr = rsp_observe_list(#what, &keys, (void **)&values);		\
	if (nr > 0)							\
		rows = calloc(nr, sizeof(*rows));			\
	for (int i = 0; rows && i < nr; i++) {				\
		rows[i].id = keys[i];					\
		rows[i].obs = values[i];				\
		obs_##what##_derive(&rows[i]);				\
	}								\
	free(keys);							\
	free(values);							\
	*views = rows;							\
	return nr > 0 && !rows ? -ENOMEM : nr;				\
}

OBS_LIST(svc)
OBS_LIST(chan)
OBS_LIST(ep)
OBS_LIST(rq)
OBS_LIST(desc)
OBS_LIST(cache)
OBS_LIST(keys)
OBS_LIST(pool)
OBS_LIST(policy)

#define OBS_OBJECT(what, head_, nr_label_, ...)			\
	{ .name = #what, .head = head_, .nr_label = nr_label_,		\
	  .cols = what##_cols, .nr_col = ARRAY_SIZE(what##_cols),	\
	  .size = sizeof(struct obs_##what), .list = obs_##what##_list, __VA_ARGS__ }

/* services and channels first: these can be chosen by service */
const struct object observe_objects[] = {
	OBS_OBJECT(svc, "services", 2, .has_svc = svc_is_svc),
	OBS_OBJECT(chan, "channels", 2, .has_svc = chan_has_svc),
	OBS_OBJECT(ep, "endpoints", 2),
	OBS_OBJECT(rq, "receive queues", 1),
	OBS_OBJECT(keys, "key pools", 2),
	OBS_OBJECT(desc, "published regions, here and of peers", 4),
	OBS_OBJECT(cache, "block caches", 1),
	OBS_OBJECT(pool, "pool", 1),
	OBS_OBJECT(policy, "policies", 1),
};

const size_t nr_observe_object = ARRAY_SIZE(observe_objects);

static int slow_compare(const void *a, const void *b)
{
	const struct rsp_obs_slow *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* oldest first */
static int obs_slow_list(struct rsp_host *host, void **views)
{
	struct rsp_obs_slow *values;
	struct obs_slow *rows;
	uint32_t *keys;
	int nr, out = 0;

	(void)host;
	nr = rsp_observe_list("slow", &keys, (void **)&values);
	free(keys);
	rows = nr > 0 ? calloc(nr, sizeof(*rows)) : NULL;
	if (rows)
		qsort(values, nr, sizeof(*values), slow_compare);
	for (int i = 0; rows && i < nr; i++) {
		if (values[i].seq)
			rows[out++] = (struct obs_slow){ .id = i, .obs = values[i] };
	}
	free(values);
	*views = rows;
	return nr > 0 && !rows ? -ENOMEM : nr < 0 ? nr : out;
}

static const struct object slow_object = {
	.name = "slow", .head = "slow exchanges", .cols = slow_cols, .nr_col = ARRAY_SIZE(slow_cols),
	.size = sizeof(struct obs_slow), .list = obs_slow_list, .has_svc = slow_has_svc,
};

static int observe_show(int argc, char **argv)
{
	struct sel sel;
	int err = 0;

	if (sel_parse(&sel, argc, argv, SEL_SVC))
		return 1;
	if (!rsp_observe_is_on())
		return fail("the observers are off (rspctl observe on)");
	if (is_json)
		json_begin(NULL, '{');
	for (size_t i = 0; !err && i < nr_observe_object; i++) {
		const struct object *what = &observe_objects[i];

		/* what belongs to no service alone */
		if (sel.svc && !what->has_svc)
			continue;
		print_head(what->head);
		err = object_rows(NULL, what, &sel, what->name, "none");
	}
	if (is_json)
		json_end('}');
	return err;
}

static int observe_slow(int argc, char **argv)
{
	struct sel sel;

	if (sel_parse(&sel, argc, argv, SEL_SVC))
		return 1;
	return object_rows(NULL, &slow_object, &sel, NULL, "none");
}

/* -------------------------------------------------------------- on, off --- */

static int observe_report(bool is_on)
{
	if (is_json) {
		json_begin(NULL, '{');
		json_bool("observe", is_on);
		json_end('}');
	} else {
		printf("the observers are %s\n", is_on ? "on, maps in " RSP_PIN_DIR "/observe" :
		       "off");
	}
	return 0;
}

static int observe_on(int argc, char **argv)
{
	uint32_t slow_us = 10000;

	if (argc && strcmp(argv[0], "slow_us"))
		return fail_word(argv[0], "slow_us N");
	if (argc && word_number(argc, argv, &slow_us))
		return 1;
	if (argc > 2)
		return fail_word(argv[2], "nothing more");
	if (!host_get())
		return 1;
	return rsp_observe_on(host_get(), slow_us * 1000ULL) ? fail_rsp() : observe_report(true);
}

static int observe_off(int argc, char **argv)
{
	if (argc)
		return fail_word(argv[0], "nothing more");
	return rsp_observe_off() ? fail_rsp() : observe_report(false);
}

static int observe_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl observe on [slow_us N]\n"
	     "       rspctl observe off\n"
	     "       rspctl observe [show] [svc NAME]\n"
	     "       rspctl observe slow [svc NAME]\n"
	     "       rspctl observe help");
	for (size_t i = 0; i < nr_observe_object; i++) {
		const struct object *what = &observe_objects[i];

		printf("\n%c%s (map %s):", toupper(what->head[0]), what->head + 1, what->name);
		print_help_fields(what->cols, what->nr_col);
	}
	printf("\nSlow exchanges (map slow):");
	print_help_fields(slow_cols, ARRAY_SIZE(slow_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", observe_show },
	{ "list", observe_show },
	{ "slow", observe_slow },
	{ "on", observe_on },
	{ "off", observe_off },
	{ "help", observe_help },
	{ NULL, NULL },
};

int cmd_observe(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
