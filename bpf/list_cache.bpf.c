// SPDX-License-Identifier: GPL-2.0
/* The list program of caches. */
#include "list.h"

LIST(cache)
