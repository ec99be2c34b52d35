#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rsp_isert takes data in each way of sending it that login can negotiate: initiator_params.sh
# topology: loop
# timeout: 150
INITIATOR=${INITIATOR:-stock} TARGET=${TARGET:-rsp} exec bash "$(dirname "$0")/initiator_params.sh"
