// SPDX-License-Identifier: GPL-2.0
/* rspctl observe: switch the observers on and off, show what they counted. */
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
OBS_ROW(pool);
OBS_ROW(policy);

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
	{ .name = #field, .kind = COL_U64S, .offset = offsetof(struct obs_##what, obs.io.field), \
	  .nr = nr_, .help = help_ }

#define OBS_INV(what, name_, way, help_) \
	{ .name = name_, .kind = COL_U64, \
	  .offset = offsetof(struct obs_##what, obs.io.nr_inv[way]), .help = help_ }

#define OBS_REMOVE(name_, why, help_) \
	{ .name = name_, .kind = COL_U64, \
	  .offset = offsetof(struct obs_cache, obs.nr_remove[why]), .is_main = true, .help = help_ }

#define OBS_DESC_END(name_, way, help_) \
	{ .name = name_, .kind = COL_U64, \
	  .offset = offsetof(struct obs_desc, obs.nr_end[way]), .is_main = true, .help = help_ }

/* traffic, the same for services, channels and endpoints */
#define OBS_IO_COLS(what) \
	OBS_IO(what, nr_send, COL_U64, true, "messages sent"), \
	OBS_IO(what, send_bytes, COL_BYTES, false, "bytes in them"), \
	OBS_IO(what, nr_wr, COL_U64, false, "work requests posted"), \
	OBS_IO(what, nr_recv, COL_U64, true, "messages received"), \
	OBS_IO(what, recv_bytes, COL_BYTES, false, "bytes in them"), \
	OBS_IO(what, nr_ack, COL_U64, true, "exchanges finished"), \
	OBS_IO(what, ack_bytes, COL_BYTES, true, "payload they moved"), \
	OBS_IO(what, nr_error, COL_U64, true, "exchanges that ended with an error"), \
	COL(obs_##what, lat_p50_ns, COL_NS, true, "half of the exchanges took at most this"), \
	COL(obs_##what, lat_p99_ns, COL_NS, true, "99 of 100 exchanges took at most this"), \
	COL(obs_##what, lat_mean_ns, COL_NS, false, "mean time of an exchange"), \
	OBS_IO(what, lat_sum_ns, COL_NS, false, "sum of the times of exchanges"), \
	OBS_IO(what, lat_max_ns, COL_NS, true, "longest exchange"), \
	OBS_IO(what, nr_stall, COL_U64, true, "waits for the window or a send slot"), \
	OBS_IO(what, stall_sum_ns, COL_NS, false, "sum of their times"), \
	OBS_IO(what, stall_max_ns, COL_NS, false, "longest wait"), \
	OBS_IO(what, nr_reg, COL_U64, false, "memory registrations"), \
	OBS_IO(what, reg_pages, COL_U64, false, "pages in them"), \
	OBS_IO(what, reg_bytes, COL_BYTES, false, "bytes in them"), \
	OBS_INV(what, "nr_inv_remote", RSP_OBS_INV_REMOTE, \
		"keys invalidated by the peer, or never told to it"), \
	OBS_INV(what, "nr_inv_local", RSP_OBS_INV_LOCAL, "keys invalidated by this host"), \
	OBS_INV(what, "nr_inv_end", RSP_OBS_INV_END, "keys destroyed with their channel"), \
	OBS_IO(what, nr_work_error, COL_U64, false, "work requests failed or flushed"), \
	OBS_STEPS(what, lat_steps, RSP_OBS_NR_STEP, \
		  "exchanges by time: step n counts 2^n to 2^(n+1)-1 ns"), \
	OBS_STEPS(what, stall_steps, RSP_OBS_NR_STEP, "waits by time, likewise")

static const struct col svc_cols[] = {
	COL(obs_svc, id, COL_U32, true, "number of the service"),
	OBS(svc, name, COL_STR, true, "its name"),
	OBS(svc, is_gone, COL_BOOL, false, "it unregistered"),
	OBS(svc, nr_up, COL_U64, true, "channels that came up"),
	OBS(svc, nr_down, COL_U64, true, "channels that went down"),
	OBS(svc, nr_ask, COL_U64, false, "times it asked the pool for buffers"),
	OBS(svc, nr_want, COL_U64, false, "buffers asked for"),
	OBS(svc, nr_admit, COL_U64, false, "buffers admitted"),
	OBS(svc, max_held_bytes, COL_BYTES, true, "most pool memory seen held"),
	OBS_IO_COLS(svc),
};

static void chan_col_svc(const void *row, char *text, size_t size);

static const struct col chan_cols[] = {
	COL(obs_chan, id, COL_U32, true, "number of the channel"),
	COL_MADE("svc", chan_col_svc, true, "service it belongs to"),
	OBS_ENUM(chan, role, rsp_role_name, true, "client or server"),
	OBS(chan, ep_id, COL_U32, true, "endpoint it rides"),
	OBS(chan, is_down, COL_BOOL, true, "it went down"),
	OBS(chan, reason, COL_S32, false, "negative errno it went down with"),
	OBS(chan, in_flight, COL_U32, false, "exchanges in flight at the last event"),
	OBS(chan, max_in_flight, COL_U32, true, "most exchanges seen in flight"),
	OBS(chan, window, COL_U32, true, "window in force"),
	OBS(chan, min_window, COL_U32, false, "lowest window seen"),
	OBS(chan, max_window, COL_U32, false, "highest window seen"),
	OBS(chan, nr_window, COL_U32, false, "changes of the window"),
	OBS(chan, grant, COL_U32, true, "credits advertised to the peer"),
	OBS(chan, nr_grant, COL_U32, false, "changes of the grant"),
	OBS(chan, nr_move, COL_U64, false, "times it went to another endpoint"),
	OBS(chan, move_max_ns, COL_NS, false, "longest of these"),
	OBS(chan, svc_id, COL_U32, false, "number of the service"),
	OBS(chan, peer_id, COL_U32, false, "number of the peer"),
	OBS_IO_COLS(chan),
};

static const struct col ep_cols[] = {
	COL(obs_ep, id, COL_U32, true, "number of the endpoint"),
	OBS(ep, dev, COL_STR, true, "RDMA device, if it came up under observation"),
	OBS_ENUM(ep, role, rsp_role_name, false, "client or server"),
	OBS(ep, is_down, COL_BOOL, true, "it went down"),
	OBS(ep, reason, COL_S32, false, "negative errno it went down with"),
	OBS(ep, vector, COL_U32, true, "completion vector"),
	OBS(ep, peer_id, COL_U32, false, "number of the peer"),
	OBS(ep, rq_id, COL_U32, false, "number of the receive queue"),
	OBS_IO_COLS(ep),
};

static const struct col rq_cols[] = {
	COL(obs_rq, id, COL_U32, true, "number of the receive queue"),
	OBS(rq, dev_id, COL_U32, true, "number of the device"),
	OBS(rq, vector, COL_U32, true, "completion vector"),
	OBS_ENUM(rq, class, rsp_class_name, true, "size class of its buffers"),
	OBS(rq, min_posted, COL_U32, true, "fewest receives seen posted at a refill"),
	OBS(rq, nr_refill, COL_U64, true, "batches posted"),
	OBS(rq, nr_posted, COL_U64, true, "receives in them"),
	OBS(rq, nr_empty, COL_U64, true, "times it ran low"),
};

static const struct col desc_cols[] = {
	COL(obs_desc, id, COL_U32, true, "number of the region"),
	OBS_ENUM(desc, role, rsp_role_name, true, "server (it publishes) or client (it holds)"),
	OBS(desc, svc, COL_STR, true, "service that publishes it"),
	OBS(desc, key, COL_U64, true, "its name among those of the service"),
	OBS(desc, len, COL_BYTES, true, "its size"),
	OBS(desc, epoch, COL_U32, false, "number of the publication"),
	OBS(desc, is_over, COL_BOOL, true, "revoked, or not held any more"),
	OBS(desc, reason, COL_S32, false, "held: negative errno it is not held any more for"),
	OBS(desc, nr_grant, COL_U64, true, "published: grants given"),
	OBS_DESC_END("nr_dropped", RSP_DESC_END_DROPPED, "grants given back"),
	OBS_DESC_END("nr_expired", RSP_DESC_END_EXPIRED, "grants whose lease was over"),
	OBS_DESC_END("nr_forced", RSP_DESC_END_FORCED, "grants revoked and not given back"),
	OBS_DESC_END("nr_conn", RSP_DESC_END_CONN, "grants that ended with a connection"),
};

static const struct col cache_cols[] = {
	COL(obs_cache, id, COL_U32, true, "number of the cache"),
	OBS(cache, nr_insert, COL_U64, true, "blocks that came in"),
	OBS_REMOVE("nr_evicted", RSP_REMOVE_EVICTED, "blocks that made room for others"),
	OBS_REMOVE("nr_invalidated", RSP_REMOVE_INVALIDATED, "blocks whose device changed"),
	OBS_REMOVE("nr_dropped", RSP_REMOVE_DROPPED, "blocks that went with a resize, a drop, a suspend"),
	OBS_REMOVE("nr_reclaimed", RSP_REMOVE_RECLAIMED, "blocks whose memory the pool took back"),
	OBS(cache, nr_used, COL_U64, true, "of all that went those that had been touched"),
	OBS(cache, nr_touch, COL_U64, true, "accesses told to the policy"),
	OBS(cache, nr_batch, COL_U64, false, "batches they were told in"),
};

static const struct col pool_cols[] = {
	{ .name = "class", .kind = COL_WORD, .offset = offsetof(struct obs_pool, id),
	  .is_main = true, .word = rsp_class_name, .help = "size class" },
	OBS(pool, nr_ask, COL_U64, true, "times a service asked for buffers"),
	OBS(pool, nr_want, COL_U64, true, "buffers asked for"),
	OBS(pool, nr_admit, COL_U64, true, "buffers admitted"),
	OBS(pool, nr_short, COL_U64, true, "answers below what was asked"),
	OBS(pool, nr_grow, COL_U64, true, "arenas added"),
	OBS(pool, grow_bytes, COL_BYTES, true, "bytes in them"),
};

static const struct col policy_cols[] = {
	{ .name = "family", .kind = COL_WORD, .offset = offsetof(struct obs_policy, id),
	  .is_main = true, .word = rsp_family_name, .help = "policy family" },
	OBS(policy, nr_swap, COL_U64, true, "times another policy took over"),
	OBS(policy, swap_last_ns, COL_NS, true, "what the last swap took"),
	OBS(policy, swap_max_ns, COL_NS, true, "what the longest took"),
	OBS(policy, swap_sum_ns, COL_NS, false, "sum over all swaps"),
	OBS(policy, from, COL_STR, true, "the last swap: from"),
	OBS(policy, to, COL_STR, true, "the last swap: to"),
	OBS(policy, nr_eject, COL_U64, true, "ejections"),
	{ .name = "ejected", .kind = COL_STR, .is_main = true,
	  .offset = offsetof(struct obs_policy, obs.ejected.name),
	  .help = "the last one ejected" },
	{ .name = "ejected_msg", .kind = COL_STR,
	  .offset = offsetof(struct obs_policy, obs.ejected.msg), .help = "why" },
};

/* services by id, also those that are gone: the observers know their names */
static struct obs_svc *obs_svcs;
static int obs_nr_svc;

static const char *obs_svc_name(uint32_t id)
{
	for (int i = 0; i < obs_nr_svc; i++) {
		if (obs_svcs[i].id == id)
			return obs_svcs[i].obs.name;
	}
	return "";
}

static void chan_col_svc(const void *row, char *text, size_t size)
{
	const struct obs_chan *chan = row;

	snprintf(text, size, "%s", obs_svc_name(chan->obs.svc_id));
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

/* Return: how many rows, or a negative errno. */
#define OBS_READ(what)							\
static int obs_##what##_read(struct obs_##what **rows)			\
{									\
	struct rsp_obs_##what *values;					\
	uint32_t *keys;							\
	int nr;								\
									\
	*rows = NULL;							\
	nr = rsp_observe_list(#what, &keys, (void **)&values);		\
	if (nr > 0)							\
		*rows = calloc(nr, sizeof(**rows));			\
	for (int i = 0; *rows && i < nr; i++) {				\
		(*rows)[i].id = keys[i];				\
		(*rows)[i].obs = values[i];				\
		obs_##what##_derive(&(*rows)[i]);			\
	}								\
	free(keys);							\
	free(values);							\
	return nr;							\
}

OBS_READ(svc)
OBS_READ(chan)
OBS_READ(ep)
OBS_READ(rq)
OBS_READ(desc)
OBS_READ(cache)
OBS_READ(pool)
OBS_READ(policy)

static void obs_head(const char *text)
{
	static bool is_second;

	if (!is_json)
		printf("%s%s:\n", is_second ? "\n" : "", text);
	is_second = true;
}

#define OBS_SHOW(what, cols, head, none) do {					\
	struct obs_##what *rows_;						\
	int nr_ = obs_##what##_read(&rows_);					\
										\
	obs_head(head);								\
	print_rows(#what, cols, ARRAY_SIZE(cols), rows_, sizeof(*rows_),	\
		   nr_ > 0 ? nr_ : 0, none);					\
	free(rows_);								\
} while (0)

static int observe_show(int argc, char **argv)
{
	int nr_chan, out = 0;
	struct obs_chan *chans;
	struct sel sel;

	if (sel_parse(&sel, argc, argv, SEL_SVC))
		return 1;
	obs_nr_svc = obs_svc_read(&obs_svcs);
	if (obs_nr_svc < 0)
		return fail_rsp();
	nr_chan = obs_chan_read(&chans);
	if (nr_chan < 0)
		return fail_rsp();
	for (int i = 0; i < nr_chan; i++) {
		if (!sel.svc || !strcmp(obs_svc_name(chans[i].obs.svc_id), sel.svc))
			chans[out++] = chans[i];
	}
	nr_chan = out;
	for (int i = out = 0; sel.svc && i < obs_nr_svc; i++) {
		if (!strcmp(obs_svcs[i].obs.name, sel.svc))
			obs_svcs[out++] = obs_svcs[i];
	}
	if (sel.svc)
		obs_nr_svc = out;

	if (is_json)
		json_begin(NULL, '{');
	obs_head("services");
	print_rows("svc", svc_cols, ARRAY_SIZE(svc_cols), obs_svcs, sizeof(*obs_svcs),
		   obs_nr_svc, "none");
	obs_head("channels");
	print_rows("chan", chan_cols, ARRAY_SIZE(chan_cols), chans, sizeof(*chans), nr_chan,
		   "none");
	/* what follows belongs to no service alone */
	if (!sel.svc) {
		OBS_SHOW(ep, ep_cols, "endpoints", "none");
		OBS_SHOW(rq, rq_cols, "receive queues", "none");
		OBS_SHOW(desc, desc_cols, "published regions, here and of peers", "none");
		OBS_SHOW(cache, cache_cols, "block caches", "none");
		OBS_SHOW(pool, pool_cols, "pool", "none");
		OBS_SHOW(policy, policy_cols, "policies", "none");
	}
	if (is_json)
		json_end('}');
	free(chans);
	free(obs_svcs);
	return 0;
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
	if (argc)
		return fail_word(argv[0], "nothing more");
	if (!host_get())
		return 1;
	return rsp_observe_on(host_get()) ? fail_rsp() : observe_report(true);
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
	puts("Usage: rspctl observe { on | off }\n"
	     "       rspctl observe [show] [svc NAME]\n"
	     "       rspctl observe help");
	puts("\nServices (map svc):");
	print_help_fields(svc_cols, ARRAY_SIZE(svc_cols));
	puts("\nChannels (map chan):");
	print_help_fields(chan_cols, ARRAY_SIZE(chan_cols));
	puts("\nEndpoints (map ep):");
	print_help_fields(ep_cols, ARRAY_SIZE(ep_cols));
	puts("\nReceive queues (map rq):");
	print_help_fields(rq_cols, ARRAY_SIZE(rq_cols));
	puts("\nPool (map pool):");
	print_help_fields(pool_cols, ARRAY_SIZE(pool_cols));
	puts("\nPolicies (map policy):");
	print_help_fields(policy_cols, ARRAY_SIZE(policy_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", observe_show },
	{ "list", observe_show },
	{ "on", observe_on },
	{ "off", observe_off },
	{ "help", observe_help },
	{ NULL, NULL },
};

int cmd_observe(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
