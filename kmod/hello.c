// SPDX-License-Identifier: GPL-2.0
/* The hello: how hosts with RSP know each other, whatever address they come from. */
#include <linux/module.h>

#include "hello.h"

static char rsp_uuid_text[UUID_STRING_LEN + 1];
module_param_string(uuid, rsp_uuid_text, sizeof(rsp_uuid_text), 0444);
MODULE_PARM_DESC(uuid, "What other hosts know this one by, whatever its addresses (a new one at every load)");

static uuid_t rsp_uuid;

int rsp_hello_init(void)
{
	if (!rsp_uuid_text[0]) {
		uuid_gen(&rsp_uuid);
		snprintf(rsp_uuid_text, sizeof(rsp_uuid_text), "%pUb", &rsp_uuid);
		return 0;
	}
	if (uuid_parse(rsp_uuid_text, &rsp_uuid) || rsp_uuid_text[UUID_STRING_LEN] ||
	    uuid_is_null(&rsp_uuid)) {
		pr_err("uuid=%s is no UUID; `uuidgen` makes one\n", rsp_uuid_text);
		return -EINVAL;
	}
	return 0;
}

/* @len: bytes of @svc, at most RSP_PDATA_BYTES */
void rsp_hello_fill(struct rsp_pdata *pdata, const void *svc, u8 len, u16 features)
{
	memset(pdata, 0, sizeof(*pdata));
	if (len)
		memcpy(pdata->svc, svc, len);
	pdata->hello.magic = cpu_to_be32(RSP_HELLO_MAGIC);
	pdata->hello.version = cpu_to_be16(RSP_HELLO_VERSION);
	pdata->hello.features = cpu_to_be16(features);
	pdata->hello.uuid = rsp_uuid;
}

/* Anything that is not a hello is none. Of a version that is not ours only the UUID counts. */
void rsp_hello_parse(struct rsp_hello *hello, const void *pdata, u8 len)
{
	const struct rsp_pdata *p = pdata;

	memset(hello, 0, sizeof(*hello));
	if (!p || len < sizeof(*p) || p->hello.magic != cpu_to_be32(RSP_HELLO_MAGIC) ||
	    !p->hello.version || uuid_is_null(&p->hello.uuid))
		return;
	hello->version = be16_to_cpu(p->hello.version);
	if (hello->version == RSP_HELLO_VERSION)
		hello->features = be16_to_cpu(p->hello.features);
	hello->uuid = p->hello.uuid;
}
