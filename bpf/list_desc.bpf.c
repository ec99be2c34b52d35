// SPDX-License-Identifier: GPL-2.0
/* The list program of descriptors. */
#include "list.h"

LIST(desc)
