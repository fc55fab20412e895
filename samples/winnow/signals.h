/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM: the first cancels what the library does, so that the command ends in order;
 * the second ends the process at once. */
#ifndef WINNOW_SIGNALS_H
#define WINNOW_SIGNALS_H

#include "winnow.h"

struct signals;

/* Before any other thread is started. NULL when it cannot be: the signals then act as usual. */
struct signals *signals_start(void);
/* A session to cancel; where there is none, a signal ends the process. */
void signals_watch(struct signals *signals, struct wn_session *session);
void signals_forget(struct signals *signals, const struct wn_session *session);
/* A descriptor that can be read once the first signal came, which from now on does no more than
 * that where no session is watched. -1: none could be made. */
int signals_fd(struct signals *signals);
/* 128 plus the signal that came, 0: none did. NULL is fine. */
int signal_status(const struct signals *signals);

#endif
