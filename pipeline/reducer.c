/* SPDX-License-Identifier: MIT */
#include "reducer.h"

void wn_reducer_begin(struct wn_reducer *reducer)
{
    if (reducer)
        wn_frame_unref(&reducer->seen);
}

void wn_reducer_destroy(struct wn_reducer **reducer)
{
    if (!*reducer)
        return;
    wn_frame_unref(&(*reducer)->seen);
    (*reducer)->destroy(*reducer);
    *reducer = NULL;
}
