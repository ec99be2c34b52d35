// SPDX-License-Identifier: GPL-2.0
/* The list program of policies. */
#include "list.h"

LIST(policy)
