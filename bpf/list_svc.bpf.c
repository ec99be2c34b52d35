// SPDX-License-Identifier: GPL-2.0
/* The list program of services. */
#include "list.h"

LIST(svc)
