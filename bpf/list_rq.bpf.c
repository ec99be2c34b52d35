// SPDX-License-Identifier: GPL-2.0
/* The list program of receive queues. */
#include "list.h"

LIST(rq)
