// SPDX-License-Identifier: GPL-2.0
/* The one place that instantiates rsp.ko's trace events. */
#define CREATE_TRACE_POINTS
#include "trace.h"
