// SPDX-License-Identifier: GPL-2.0
/* The list program of channels. */
#include "list.h"

LIST(chan)
