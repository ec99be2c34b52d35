/* SPDX-License-Identifier: GPL-2.0 */
/*
 * librsp: find, load, swap and observe RSP from user space.
 *
 * Everything goes through BPF: a program that walks the kernel's iterators for
 * lists, struct_ops links for policies, maps for figures. What must outlive the
 * process is pinned:
 *
 *	/sys/fs/bpf/rsp/policies/NAME	link of a loaded policy
 *	/sys/fs/bpf/rsp/maps/NAME/	its maps
 *	/sys/fs/bpf/rsp/observe/	maps of the observers, links below links/
 *
 * Calls return 0 or a count, or a negative errno; those that return a pointer
 * return NULL and set errno. rsp_error() has the sentence for people. Needs
 * root, or CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN (BTF by its number) and a writable bpffs.
 * Not thread-safe.
 */
#ifndef _LIBRSP_H
#define _LIBRSP_H

#include <stdbool.h>
#include <stddef.h>

#include <rsp/event.h>
#include <rsp/observe.h>
#include <rsp/view.h>

#define RSP_VERSION		"0.1"
#define RSP_PIN_DIR		"/sys/fs/bpf/rsp"

/**
 * rsp_error() - What went wrong in the last call that failed
 *
 * Return: One or more lines of text without a newline at the end; the last ones
 * of the verifier where it refused a program. Valid until the next call.
 */
const char *rsp_error(void);

/**
 * rsp_check() - Is RSP there, with its BPF side?
 *
 * Return:
 * * %0			- yes
 * * %-ENODEV		- rsp.ko is not loaded
 * * %-EOPNOTSUPP	- it is, without BTF: no policies, no lists
 */
int rsp_check(void);

/* ------------------------------------------------------------------ lists -- */

struct rsp_host;

/**
 * rsp_host_open() - Open this host, to list its objects
 *
 * The program of a list is loaded when that is asked for first.
 *
 * Return: A handle for the calls below, given back with rsp_host_close(); NULL
 * and errno on failure.
 */
struct rsp_host *rsp_host_open(void);

/**
 * rsp_host_close() - Unload it
 * @host: from rsp_host_open(), or NULL
 */
void rsp_host_close(struct rsp_host *host);

/**
 * rsp_svc_list() - The registered services, by id
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Each view is read at one moment, the list is not: an object that comes or
 * goes meanwhile may be in it or not.
 *
 * Return: How many, or a negative errno.
 */
int rsp_svc_list(struct rsp_host *host, struct rsp_svc_view **views);

/**
 * rsp_peer_list() - The remote hosts, as rsp_svc_list()
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_peer_list(struct rsp_host *host, struct rsp_peer_view **views);

/**
 * rsp_ep_list() - The endpoints, as rsp_svc_list()
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_ep_list(struct rsp_host *host, struct rsp_ep_view **views);

/**
 * rsp_chan_list() - The channels, as rsp_svc_list()
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_chan_list(struct rsp_host *host, struct rsp_chan_view **views);

/**
 * rsp_rq_list() - The receive queues, as rsp_svc_list()
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_rq_list(struct rsp_host *host, struct rsp_rq_view **views);

/**
 * rsp_desc_list() - Regions published here, and those of peers that are held, as rsp_svc_list()
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_desc_list(struct rsp_host *host, struct rsp_desc_view **views);

/**
 * rsp_cache_list() - The block caches, as rsp_svc_list()
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_cache_list(struct rsp_host *host, struct rsp_cache_view **views);

/**
 * rsp_policy_list() - Registered policies and the log of ended ones, oldest first
 * @host: from rsp_host_open()
 * @views: set to an array that the caller frees, NULL for none
 *
 * Return: How many, or a negative errno.
 */
int rsp_policy_list(struct rsp_host *host, struct rsp_policy_view **views);

/**
 * rsp_pool_get() - The pool's figures
 * @host: from rsp_host_open()
 * @view: filled
 *
 * Return: 0 or a negative errno.
 */
int rsp_pool_get(struct rsp_host *host, struct rsp_pool_view *view);

/* --------------------------------------------------------------- policies -- */

struct rsp_policy;

/**
 * rsp_policy_open() - Read a policy object file
 * @file: path of a BPF object with one or more RSP ops tables
 *
 * Nothing reaches the kernel yet.
 *
 * Return: A handle, given back with rsp_policy_close(); NULL and errno on
 * failure.
 */
struct rsp_policy *rsp_policy_open(const char *file);

/**
 * rsp_policy_set() - Set a knob before the policy is loaded
 * @policy: from rsp_policy_open()
 * @knob: name of a `const volatile` global of an integer type, bool or enum
 * @value: decimal, 0x hexadecimal, true/false/on/off, or the name of an enumerator
 *
 * Return:
 * * %0		- set
 * * %-ENOENT	- there is no such knob
 * * %-EINVAL	- not a number, or not of this type
 * * %-ERANGE	- the type cannot hold it
 * * %-EBUSY	- the policy is loaded already
 */
int rsp_policy_set(struct rsp_policy *policy, const char *knob, const char *value);

/**
 * rsp_policy_attach() - Load the policy and make it the active one of its family
 * @policy: from rsp_policy_open()
 *
 * It is pinned under its name and stays when the process ends. The policy that
 * was active stays registered below it. A pin of this name whose policy is no
 * longer registered (an ejected one) is cleared away.
 *
 * Once it is unloaded the same handle can attach it again.
 *
 * Return:
 * * %0		- active
 * * %-EEXIST	- a policy of this name is pinned and registered
 * * other	- from the verifier, or from the policy's own init
 */
int rsp_policy_attach(struct rsp_policy *policy);

/**
 * rsp_policy_swap() - Put the policy in the place of the active one
 * @policy: from rsp_policy_open()
 *
 * Two-step: the new one is registered, which makes it active, then the pinned
 * one that was active goes away. Where the one before is not pinned here (it is
 * builtin, or someone else registered it) this is rsp_policy_attach(). When the
 * new one fails nothing has changed.
 *
 * Return: As rsp_policy_attach().
 */
int rsp_policy_swap(struct rsp_policy *policy);

/**
 * rsp_policy_close() - Forget the handle; what is attached stays
 * @policy: from rsp_policy_open(), or NULL
 */
void rsp_policy_close(struct rsp_policy *policy);

/**
 * rsp_policy_names() - Which policies the file holds
 * @policy: from rsp_policy_open()
 * @i: 0 to one less than there are
 *
 * Return: Name of the i-th ops table, NULL behind the last.
 */
const char *rsp_policy_names(const struct rsp_policy *policy, unsigned int i);

/**
 * rsp_policy_family() - Of which family they are
 * @policy: from rsp_policy_open()
 * @i: as for rsp_policy_names()
 *
 * Return: enum rsp_family of the i-th ops table, RSP_NR_FAMILY behind the last.
 */
unsigned int rsp_policy_family(const struct rsp_policy *policy, unsigned int i);

/**
 * typedef rsp_hook_fn - Told of each hook that a policy answers
 * @hook: name of the member of the ops table; of the program where the file has several tables
 * @nr_run: times it ran
 * @run_ns: sum of its times
 * @arg: the caller's
 *
 * Return: 0 to go on, anything else ends the walk and is its answer.
 */
typedef int (*rsp_hook_fn)(const char *hook, unsigned long long nr_run,
			   unsigned long long run_ns, void *arg);

/**
 * rsp_hook_each() - How often the hooks of an attached policy ran
 * @policy: from rsp_policy_open(), attached at least once
 * @fn: called for each, in order of the file
 * @arg: handed on
 *
 * Counted over all the times it was attached, while the kernel keeps figures of
 * BPF programs: bpf_enable_stats(), or sysctl kernel.bpf_stats_enabled.
 *
 * Return: 0, a negative errno, or what @fn ended with.
 */
int rsp_hook_each(const struct rsp_policy *policy, rsp_hook_fn fn, void *arg);

/**
 * rsp_policy_unload() - Detach a pinned policy and remove its pins
 * @name: the policy's
 *
 * The one registered before it is active again; returns once that is so.
 *
 * Return: 0, %-ENOENT when nothing of that name is pinned, or a negative errno.
 */
int rsp_policy_unload(const char *name);

/**
 * rsp_policy_is_pinned() - Is there a pinned link of that name?
 * @name: the policy's
 *
 * Return: true or false.
 */
bool rsp_policy_is_pinned(const char *name);

/**
 * typedef rsp_knob_fn - Told of each knob of a policy
 * @name: knob
 * @value: as text, in a form rsp_policy_set() takes
 * @arg: the caller's
 *
 * Return: 0 to go on, anything else ends the walk and is its answer.
 */
typedef int (*rsp_knob_fn)(const char *name, const char *value, void *arg);

/**
 * rsp_knob_each() - Knobs of a file that was opened
 * @policy: from rsp_policy_open()
 * @fn: called for each
 * @arg: handed on
 *
 * Return: 0, a negative errno, or what @fn ended with.
 */
int rsp_knob_each(const struct rsp_policy *policy, rsp_knob_fn fn, void *arg);

/**
 * rsp_knob_each_pinned() - Knobs in force of a pinned policy
 * @name: the policy's
 * @fn: called for each
 * @arg: handed on
 *
 * Return: 0, a negative errno, or what @fn ended with.
 */
int rsp_knob_each_pinned(const char *name, rsp_knob_fn fn, void *arg);

/**
 * typedef rsp_stat_fn - Told of each figure of a policy
 * @name: of the figure
 * @value: sum over all CPUs
 * @arg: the caller's
 *
 * Return: 0 to go on, anything else ends the walk and is its answer.
 */
typedef int (*rsp_stat_fn)(const char *name, unsigned long long value, void *arg);

/**
 * rsp_stat_each() - Figures a pinned policy keeps
 * @name: the policy's
 * @fn: called for each, in order of index
 * @arg: handed on
 *
 * They are the policy's array map "stats", named by the enumerators of its enum
 * rsp_stat (lower case, without the common prefix) where it has one, else by index.
 *
 * Return: 0, %-ENOENT without such a map, a negative errno, or what @fn ended
 * with.
 */
int rsp_stat_each(const char *name, rsp_stat_fn fn, void *arg);

/* -------------------------------------------------------------- observers -- */

/**
 * rsp_observe_on() - Load, attach and pin the observers
 * @host: from rsp_host_open(); names of services that are there already come
 *	from it
 * @slow_ns: an exchange that takes as long is kept as a sample (map "slow"); 0: none is
 *
 * As long as they are on, rsp.ko cannot be unloaded.
 *
 * Return: 0, %-EEXIST when they are on, or a negative errno.
 */
int rsp_observe_on(struct rsp_host *host, unsigned long long slow_ns);

/**
 * rsp_observe_off() - Detach the observers and remove their maps
 *
 * Return: 0, %-ENOENT when they are off, or a negative errno.
 */
int rsp_observe_off(void);

/**
 * rsp_observe_is_on() - Are they?
 *
 * Return: true or false.
 */
bool rsp_observe_is_on(void);

/**
 * rsp_observe_list() - Entries of one observer map, by key
 * @map: "svc", "chan", "ep", "rq", "desc", "cache", "keys", "slow", "pool" or "policy"
 * @keys: set to an array of ids that the caller frees
 * @values: set to an array of the map's values that the caller frees
 *
 * Services and endpoints with what their channels have counted so far.
 *
 * Return: How many, %-ENOENT when the observers are off, or a negative errno.
 */
int rsp_observe_list(const char *map, __u32 **keys, void **values);

/**
 * rsp_observe_percentile() - Time below which a share of a histogram lies
 * @steps: RSP_OBS_NR_STEP counters
 * @percent: 0 to 100
 *
 * Return: Upper bound in nanoseconds of the step in which it falls, 0 without
 * a count. The true one is between half of it and this.
 */
__u64 rsp_observe_percentile(const __u64 *steps, double percent);

/* ----------------------------------------------------------------- events -- */

struct rsp_stream;

/* kinds of events, to be put together; IO is each message of a channel */
#define RSP_STREAM_POLICY	(1u << 0)
#define RSP_STREAM_SVC		(1u << 1)
#define RSP_STREAM_EP		(1u << 2)
#define RSP_STREAM_CHAN		(1u << 3)
#define RSP_STREAM_SLOW		(1u << 4)
#define RSP_STREAM_POOL		(1u << 5)
#define RSP_STREAM_CACHE	(1u << 6)
#define RSP_STREAM_DESC		(1u << 7)
#define RSP_STREAM_IO		(1u << 8)
#define RSP_STREAM_NR_KIND	9

/**
 * typedef rsp_event_fn - Told of each event
 * @event: what happened
 * @arg: the caller's
 *
 * Return: 0 to go on, anything else ends the poll and is its answer; what is summed up is told nevertheless.
 */
typedef int (*rsp_event_fn)(const struct rsp_event *event, void *arg);

/**
 * rsp_stream_open() - Have events told
 * @kinds: RSP_STREAM_* of those that are wanted
 * @chan: only of channel events those of this one; 0: of all
 * @slow_ns: an exchange that takes as long is an event of RSP_STREAM_SLOW
 * @fn: called for each, by rsp_stream_poll()
 * @arg: handed on
 *
 * As long as it is open, rsp.ko cannot be unloaded.
 *
 * Return: A handle, given back with rsp_stream_close(); NULL and errno on failure.
 */
struct rsp_stream *rsp_stream_open(unsigned int kinds, __u32 chan, unsigned long long slow_ns,
				   rsp_event_fn fn, void *arg);

/**
 * rsp_stream_poll() - Wait for events and tell them
 * @stream: from rsp_stream_open()
 * @timeout_ms: longest wait for one; a signal ends it, too
 *
 * Return: 0, a negative errno, or what the callback ended with.
 */
int rsp_stream_poll(struct rsp_stream *stream, int timeout_ms);

/**
 * rsp_stream_lost() - Events that came faster than they were read
 * @stream: from rsp_stream_open()
 *
 * Return: How many so far.
 */
unsigned long long rsp_stream_lost(const struct rsp_stream *stream);

/**
 * rsp_stream_close() - End the stream
 * @stream: from rsp_stream_open(), or NULL
 */
void rsp_stream_close(struct rsp_stream *stream);

/* ------------------------------------------------------------------ names -- */

/**
 * rsp_family_name() - Word for an enum rsp_family
 * @family: number
 *
 * Return: "buf", "ep", "flow", "cache", or "?".
 */
const char *rsp_family_name(unsigned int family);

/**
 * rsp_state_name() - Word for an enum rsp_state
 * @state: number
 *
 * Return: "connecting", "up", "closing", "dead", or "?".
 */
const char *rsp_state_name(unsigned int state);

/**
 * rsp_role_name() - Word for an enum rsp_role
 * @role: number
 *
 * Return: "client", "server", or "?".
 */
const char *rsp_role_name(unsigned int role);

/**
 * rsp_class_name() - Word for an enum rsp_class
 * @class: number
 *
 * Return: "1K", "4K", "8K", "16K", "64K", or "?".
 */
const char *rsp_class_name(unsigned int class);

/**
 * rsp_exit_name() - Word for an enum rsp_exit_kind
 * @kind: number
 *
 * Return: A word such as "replaced" or "range", or "?".
 */
const char *rsp_exit_name(unsigned int kind);

/**
 * rsp_remove_name() - Word for an enum rsp_remove_why
 * @why: number
 *
 * Return: "evicted", "invalidated", "dropped", "reclaimed", or "?".
 */
const char *rsp_remove_name(unsigned int why);

/**
 * rsp_desc_end_name() - Word for an enum rsp_desc_end
 * @why: number
 *
 * Return: "dropped", "expired", "forced", "conn", or "?".
 */
const char *rsp_desc_end_name(unsigned int why);

/**
 * rsp_inv_name() - Word for an enum rsp_obs_inv
 * @how: number
 *
 * Return: "remote", "local", "end", or "?".
 */
const char *rsp_inv_name(unsigned int how);

#endif /* _LIBRSP_H */
