// SPDX-License-Identifier: GPL-2.0
/* Words for the numbers of rsp/view.h and rsp/observe.h. */
#include "internal.h"

#define RSP_WORD(words, i) \
	((i) < sizeof(words) / sizeof((words)[0]) && (words)[i] ? (words)[i] : "?")

const char *rsp_family_name(unsigned int family)
{
	static const char * const words[] = {
		[RSP_FAMILY_BUF] = "buf",
		[RSP_FAMILY_EP] = "ep",
		[RSP_FAMILY_FLOW] = "flow",
		[RSP_FAMILY_CACHE] = "cache",
	};

	return RSP_WORD(words, family);
}

const char *rsp_state_name(unsigned int state)
{
	static const char * const words[] = {
		[RSP_STATE_CONNECTING] = "connecting",
		[RSP_STATE_UP] = "up",
		[RSP_STATE_CLOSING] = "closing",
		[RSP_STATE_DEAD] = "dead",
	};

	return RSP_WORD(words, state);
}

const char *rsp_role_name(unsigned int role)
{
	static const char * const words[] = {
		[RSP_ROLE_CLIENT] = "client",
		[RSP_ROLE_SERVER] = "server",
	};

	return RSP_WORD(words, role);
}

const char *rsp_class_name(unsigned int class)
{
	static const char * const words[] = {
		[RSP_CLASS_1K] = "1K",
		[RSP_CLASS_4K] = "4K",
		[RSP_CLASS_8K] = "8K",
		[RSP_CLASS_16K] = "16K",
		[RSP_CLASS_64K] = "64K",
	};

	return RSP_WORD(words, class);
}

const char *rsp_exit_name(unsigned int kind)
{
	static const char * const words[] = {
		[RSP_EXIT_NONE] = "none",
		[RSP_EXIT_UNREG] = "unregistered",
		[RSP_EXIT_REPLACED] = "replaced",
		[RSP_EXIT_UPDATED] = "updated",
		[RSP_EXIT_SELF] = "self",
		[RSP_EXIT_RANGE] = "range",
		[RSP_EXIT_STALL] = "stall",
		[RSP_EXIT_UNLOAD] = "unload",
		[RSP_EXIT_INIT] = "init",
	};

	return RSP_WORD(words, kind);
}

const char *rsp_remove_name(unsigned int why)
{
	static const char * const words[] = {
		[RSP_REMOVE_EVICTED] = "evicted",
		[RSP_REMOVE_INVALIDATED] = "invalidated",
		[RSP_REMOVE_DROPPED] = "dropped",
		[RSP_REMOVE_RECLAIMED] = "reclaimed",
	};

	return RSP_WORD(words, why);
}

const char *rsp_desc_end_name(unsigned int why)
{
	static const char * const words[] = {
		[RSP_DESC_END_DROPPED] = "dropped",
		[RSP_DESC_END_EXPIRED] = "expired",
		[RSP_DESC_END_FORCED] = "forced",
		[RSP_DESC_END_CONN] = "conn",
	};

	return RSP_WORD(words, why);
}

const char *rsp_inv_name(unsigned int how)
{
	static const char * const words[] = {
		[RSP_OBS_INV_REMOTE] = "remote",
		[RSP_OBS_INV_LOCAL] = "local",
		[RSP_OBS_INV_END] = "end",
	};

	return RSP_WORD(words, how);
}
