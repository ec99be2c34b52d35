/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways in which the chaos policies misbehave. They exist to show, in tests
 * and to whoever doubts it, that no answer can do more harm than a slow service:
 * answers are clamped, reserves hold, and the policy is ejected with a reason.
 */
#ifndef __RSP_CHAOS_H
#define __RSP_CHAOS_H

enum chaos_mode {
	CHAOS_NEGATIVE = 1,	/* -1 to everything */
	CHAOS_ZERO,		/* 0 to everything: nothing admitted, no credit */
	CHAOS_HUGE,		/* the largest number there is */
	CHAOS_RANDOM,		/* anything */
	CHAOS_SELF,		/* builtin's answers, and asks to be ejected after `after` calls */
	CHAOS_INIT_FAIL,	/* init answers -EBUSY */
	CHAOS_INIT_EXIT,	/* init asks to be ejected */
	CHAOS_MEAN,		/* the lowest answer in range: starves everybody by the rules */
	CHAOS_RARE,		/* one bad answer in `after` calls */
	CHAOS_INIT_ONCE,	/* init answers -EBUSY from the second time on */
};

/* knobs */
const volatile __u32 mode = CHAOS_RANDOM;	/* enum chaos_mode */
const volatile __u32 after = 23;		/* calls, see there */
const volatile __u64 self_code = 42;		/* code of CHAOS_SELF */

enum rsp_stat {
	STAT_CALL,		/* hooks called */
	STAT_BAD,		/* bad answers given */
	STAT_GEN,		/* objects seen for the first time, with priv[] zero */
	STAT_STALE,		/* priv[] of an object that held what this policy never wrote */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

/* all CPUs count here; racy, only the order of magnitude matters */
__u64 nr_call;
__u64 nr_init;		/* times init ran; one at a time */

#define CHAOS_MAGIC	0x23232323c4a05c4aULL

/* priv[] must be zero at first, then ours; `priv` is the view's array */
#define chaos_priv(priv) do {				\
	__u64 ___seen = (priv)[0];			\
							\
	if (!___seen) {					\
		stat_inc(STAT_GEN);			\
		(priv)[0] = CHAOS_MAGIC;		\
	} else if (___seen != CHAOS_MAGIC) {		\
		stat_inc(STAT_STALE);			\
	}						\
} while (0)

static __always_inline int chaos_init(void)
{
	nr_init++;
	if (mode == CHAOS_INIT_ONCE && nr_init > 1)
		return -16;	/* EBUSY */
	if (mode == CHAOS_INIT_FAIL)
		return -16;	/* EBUSY */
	if (mode == CHAOS_INIT_EXIT)
		rsp_bpf_policy_exit(self_code, "chaos does not want to start");
	return 0;
}

/* good: what builtin would say; low: the lowest answer in range */
static __always_inline __s64 chaos_answer(__s64 good, __s64 low)
{
	__u64 nr = nr_call++;
	__s64 bad;

	stat_inc(STAT_CALL);
	switch (mode) {
	case CHAOS_SELF:
		if (nr >= after)
			rsp_bpf_policy_exit(self_code, "chaos has seen enough");
		return good;
	case CHAOS_RARE:
		if (nr % RSP_MAX(after, 1U))
			return good;
		bad = -2;
		break;
	case CHAOS_MEAN:
		return low;
	case CHAOS_NEGATIVE:
		bad = -1;
		break;
	case CHAOS_ZERO:
		bad = 0;
		break;
	case CHAOS_HUGE:
		bad = 0x7fffffffffffffffLL;
		break;
	default:
		bad = (__s64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	}
	stat_inc(STAT_BAD);
	return bad;
}

/* a hook answers an int: keep huge answers huge */
static __always_inline int chaos_int(__s64 answer)
{
	return answer == 0x7fffffffffffffffLL ? 0x7fffffff : (int)answer;
}

#endif /* __RSP_CHAOS_H */
