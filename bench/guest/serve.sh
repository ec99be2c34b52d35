#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in guest srv of a pair by bench/compare: serve what guest cli, where guest/compare.sh runs, wants served.
#
# usage: guest/serve.sh SERVICE
set -u
. "$(dirname "$0")/lib.sh"
bench_service "$1"
peer_serve
kernel_is_content
