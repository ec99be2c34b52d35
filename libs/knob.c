// SPDX-License-Identifier: GPL-2.0
/*
 * Knobs: the `const volatile` globals of a policy, found by name through BTF,
 * in a file not yet loaded or in the frozen map of a loaded one.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* a knob found: its type without names and modifiers */
struct rsp_knob {
	const char		*name;
	const struct btf_type	*type;
	__u32			offset;
	__u32			size;
	bool			is_signed;
	bool			is_bool;
};

/* Return: true if the variable @var is a knob we can set. */
static bool rsp_knob_read(const struct btf *btf, const struct btf_var_secinfo *info,
			  size_t size, struct rsp_knob *knob)
{
	const struct btf_type *var = btf__type_by_id(btf, info->type), *type;
	bool is_const = false, is_volatile = false;

	if (!var || !btf_is_var(var))
		return false;
	knob->name = btf__name_by_offset(btf, var->name_off);
	for (type = btf__type_by_id(btf, var->type); type;
	     type = btf__type_by_id(btf, type->type)) {
		if (btf_is_const(type))
			is_const = true;
		else if (btf_is_volatile(type))
			is_volatile = true;
		else if (!btf_is_typedef(type) && !btf_is_type_tag(type))
			break;
	}
	if (!type || !is_const || !is_volatile)
		return false;
	knob->type = type;
	knob->offset = info->offset;
	knob->size = info->size;
	knob->is_bool = false;
	if (btf_is_int(type)) {
		knob->is_bool = btf_int_encoding(type) & BTF_INT_BOOL;
		knob->is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
	} else if (btf_is_enum(type) || btf_is_enum64(type)) {
		knob->is_signed = btf_kflag(type);
	} else {
		return false;
	}
	if (knob->size != 1 && knob->size != 2 && knob->size != 4 && knob->size != 8)
		return false;
	return knob->name && knob->offset + knob->size <= size;
}

static bool rsp_knob_enum_value(const struct btf *btf, const struct btf_type *type,
				const char *word, __u64 *value)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum64 *wide = &btf_enum64(type)[i];
		const struct btf_enum *narrow = &btf_enum(type)[i];
		bool is_wide = btf_is_enum64(type);

		if (strcmp(word, btf__name_by_offset(btf, is_wide ? wide->name_off :
								    narrow->name_off)))
			continue;
		*value = is_wide ? btf_enum64_value(wide) : (__u64)(__s64)narrow->val;
		return true;
	}
	return false;
}

static int rsp_knob_parse(const struct btf *btf, const struct rsp_knob *knob,
			  const char *text, __u64 *value)
{
	bool is_minus = *text == '-';
	unsigned int bits = knob->size * 8;
	__u64 most;
	char *end;

	if (knob->is_bool && (!strcmp(text, "true") || !strcmp(text, "on"))) {
		*value = 1;
		return 0;
	}
	if (knob->is_bool && (!strcmp(text, "false") || !strcmp(text, "off"))) {
		*value = 0;
		return 0;
	}
	if (!btf_is_int(knob->type) && rsp_knob_enum_value(btf, knob->type, text, value))
		return 0;

	if (!isdigit(text[is_minus]))
		goto err_number;
	errno = 0;
	*value = strtoull(text + is_minus, &end, 0);
	if (*end)
		goto err_number;
	if (errno)
		goto err_range;
	if (knob->is_bool)
		most = 1;
	else if (knob->is_signed)
		most = (1ULL << (bits - 1)) - !is_minus;
	else
		most = is_minus ? 0 : ~0ULL >> (64 - bits);
	if (*value > most)
		goto err_range;
	if (is_minus)
		*value = -*value;
	return 0;

err_number:
	return rsp_fail(-EINVAL, "knob %s: \"%s\" is not %s", knob->name, text,
			knob->is_bool ? "a truth value (true, false)" : "a number");
err_range:
	return rsp_fail(-ERANGE, "knob %s: %s does not fit, it has %u %s bits", knob->name,
			text, knob->is_bool ? 1 : bits, knob->is_signed ? "signed" : "unsigned");
}

static void rsp_knob_store(void *at, __u32 size, __u64 value)
{
	__u32 four = value;
	__u16 two = value;
	__u8 one = value;

	memcpy(at, size == 8 ? (void *)&value : size == 4 ? (void *)&four :
	       size == 2 ? (void *)&two : (void *)&one, size);
}

static void rsp_knob_text(const struct rsp_knob *knob, const void *at, char *text, size_t len)
{
	__u64 value = 0;
	__u32 four;
	__u16 two;
	__u8 one;

	switch (knob->size) {
	case 1:
		memcpy(&one, at, 1);
		value = knob->is_signed ? (__u64)(__s8)one : one;
		break;
	case 2:
		memcpy(&two, at, 2);
		value = knob->is_signed ? (__u64)(__s16)two : two;
		break;
	case 4:
		memcpy(&four, at, 4);
		value = knob->is_signed ? (__u64)(__s32)four : four;
		break;
	case 8:
		memcpy(&value, at, 8);
		break;
	}
	if (knob->is_bool)
		snprintf(text, len, "%s", value ? "true" : "false");
	else if (knob->is_signed)
		snprintf(text, len, "%lld", (long long)value);
	else
		snprintf(text, len, "%llu", (unsigned long long)value);
}

static int rsp_knob_unknown(const struct btf *btf, const struct btf_type *sec, size_t size,
			    const char *name)
{
	char known[1024] = "";
	struct rsp_knob knob;
	size_t at = 0;

	for (int i = 0; sec && i < btf_vlen(sec); i++) {
		if (!rsp_knob_read(btf, &btf_var_secinfos(sec)[i], size, &knob))
			continue;
		at += snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "", knob.name);
		if (at >= sizeof(known))
			break;
	}
	if (!at)
		return rsp_fail(-ENOENT, "unknown knob %s: this policy has none", name);
	return rsp_fail(-ENOENT, "unknown knob %s: this policy has %s", name, known);
}

int rsp_knob_set(const struct btf *btf, __u32 sec_id, void *data, size_t size,
		 const char *name, const char *text)
{
	const struct btf_type *sec = data ? btf__type_by_id(btf, sec_id) : NULL;
	struct rsp_knob knob;
	__u64 value = 0;
	int err;

	for (int i = 0; sec && i < btf_vlen(sec); i++) {
		if (!rsp_knob_read(btf, &btf_var_secinfos(sec)[i], size, &knob) ||
		    strcmp(knob.name, name))
			continue;
		err = rsp_knob_parse(btf, &knob, text, &value);
		if (!err)
			rsp_knob_store((char *)data + knob.offset, knob.size, value);
		return err;
	}
	return rsp_knob_unknown(btf, sec, size, name);
}

int rsp_knob_walk(const struct btf *btf, __u32 sec_id, const void *data, size_t size,
		  rsp_knob_fn fn, void *arg)
{
	const struct btf_type *sec = btf__type_by_id(btf, sec_id);
	struct rsp_knob knob;
	char text[32];
	int ret = 0;

	if (!sec || !btf_is_datasec(sec))
		return 0;
	for (int i = 0; !ret && i < btf_vlen(sec); i++) {
		if (!rsp_knob_read(btf, &btf_var_secinfos(sec)[i], size, &knob))
			continue;
		rsp_knob_text(&knob, (const char *)data + knob.offset, text, sizeof(text));
		ret = fn(knob.name, text, arg);
	}
	return ret;
}
