/* SPDX-License-Identifier: MIT */
/* Captions as files: one writer a format, fed a segment at a time. */
#ifndef WINNOW_CAPTION_OUT_H
#define WINNOW_CAPTION_OUT_H

#include "captions.h"

struct caption_film { /* what a writer may tell; stats, media and captions at the end alone */
    struct tool *tool;
    const char *file;
    const struct wn_stats *stats;
    const struct wn_media *media;
    const struct captions *captions;
    double seconds;
};

struct caption_format {
    const char *name; /* and the ending of its files */
    bool pictures;    /* wants the frames' pictures */
    bool many;        /* several videos may go into one stream */
    /* Each writes to f; failures are seen by ferror(). NULL: nothing to write then. add and end may
     * return -1 when out of memory. */
    void (*begin)(FILE *f, const struct caption_film *film);
    int (*add)(FILE *f, const struct caption_film *film, const struct caption *caption,
               const struct wn_segment *segment);
    int (*end)(FILE *f, const struct caption_film *film);
};
extern const struct caption_format caption_formats[]; /* ended by name NULL */

/* A segment's record, as in jsonl and json. */
json_t *caption_json(const struct caption *caption);

/* caption_html.c */
void html_begin(FILE *f, const struct caption_film *film);
int html_add(FILE *f, const struct caption_film *film, const struct caption *caption,
             const struct wn_segment *segment);
int html_end(FILE *f, const struct caption_film *film);
const char *file_name(const char *path); /* what follows the last slash */

#endif
