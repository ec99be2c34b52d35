// SPDX-License-Identifier: GPL-2.0
/*
 * rsp_nfs.ko: NFS over RSP. The client half registers the transport behind
 * "mount -o proto=rdma", the server half the one behind "rdma" in
 * /proc/fs/nfsd/portlist. Each takes the name the stock rpcrdma.ko uses, so
 * either half can be left out where the other machine is to run the stock one.
 */
#include <linux/module.h>
#include <linux/init.h>

#include "nfs.h"

static bool client = true;
module_param(client, bool, 0444);
MODULE_PARM_DESC(client, "register the client transport (default y)");

static bool server = true;
module_param(server, bool, 0444);
MODULE_PARM_DESC(server, "register the server transport (default y)");

static int __init rsp_nfs_init(void)
{
	int err;

	if (client) {
		err = rsp_nfs_client_init();
		if (err) {
			pr_err("client transport: error %d%s\n", err,
			       err == -EEXIST ? ", is rpcrdma.ko loaded?" : "");
			return err;
		}
	}
	if (server) {
		err = rsp_nfs_server_init();
		if (err) {
			pr_err("server transport: error %d%s\n", err,
			       err == -EEXIST ? ", is rpcrdma.ko loaded?" : "");
			goto err_client_exit;
		}
	}
	return 0;

err_client_exit:
	if (client)
		rsp_nfs_client_exit();
	return err;
}

static void __exit rsp_nfs_exit(void)
{
	if (server)
		rsp_nfs_server_exit();
	if (client)
		rsp_nfs_client_exit();
}

module_init(rsp_nfs_init);
module_exit(rsp_nfs_exit);

MODULE_DESCRIPTION("NFS over RSP: RPC-over-RDMA transports for sunrpc");
MODULE_LICENSE("GPL");
/* the names mount.nfs, sunrpc and nfsd load the stock module by */
MODULE_ALIAS("xprtrdma");
MODULE_ALIAS("svcrdma");
MODULE_ALIAS("rpcrdma6");
