// SPDX-License-Identifier: GPL-2.0
/* The list program of peers. */
#include "list.h"

LIST(peer)
