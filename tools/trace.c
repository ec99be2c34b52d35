// SPDX-License-Identifier: GPL-2.0
/* rspctl trace: follow one channel, message by message, until it goes down. */
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

bool chan_exists(uint32_t id)
{
	struct rsp_chan_view *chans;
	bool found = false;
	int nr;

	nr = rsp_chan_list(host_get(), &chans);
	for (int i = 0; i < nr; i++)
		found |= chans[i].id == id;
	if (nr >= 0)
		free(chans);
	return found;
}

int cmd_trace(int argc, char **argv)
{
	uint32_t id;

	if (argc && !strcmp(argv[0], "help")) {
		puts("Usage: rspctl trace CHAN\n"
		     "       rspctl trace help");
		return 0;
	}
	if (!argc)
		return fail_word(NULL, "the number of a channel (rspctl chan lists them)");
	if (argc > 1)
		return fail_word(argv[1], "nothing more");
	/* it stands where a word does for others */
	if (word_number(argc + 1, argv - 1, &id))
		return 1;
	if (!host_get())
		return 1;
	if (!chan_exists(id))
		return fail("there is no channel %u (rspctl chan lists them)", id);
	return event_follow(RSP_STREAM_CHAN | RSP_STREAM_IO, id, 0);
}
