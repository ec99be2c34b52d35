// SPDX-License-Identifier: GPL-2.0
/* The list program of endpoints. */
#include "list.h"

LIST(ep)
