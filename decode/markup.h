/* SPDX-License-Identifier: MIT */
#ifndef WN_DECODE_MARKUP_H
#define WN_DECODE_MARKUP_H

/* What libavcodec gives of a subtitle, as one line of plain UTF-8 text: no override blocks,
 * drawings, tags or entities; runs of white space are one blank; control bytes and broken UTF-8 are
 * '?'. Freed with free(); NULL when out of memory. */
char *wn_plain_ass(const char *event);  /* "ReadOrder,Layer,Style,Name,L,R,V,Effect,Text" */
char *wn_plain_text(const char *text);

#endif
