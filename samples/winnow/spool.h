/* SPDX-License-Identifier: MIT */
/* A tensor that grows while its length is not known: kept in a nameless file beside the output, so
 * that memory does not grow with a video. */
#ifndef WINNOW_SPOOL_H
#define WINNOW_SPOOL_H

#include <stdio.h>

#include "safetensors.h"

struct spool {
    const char *name, *dtype;
    FILE *file;
    int64_t bytes;
};

/* folder_of: the output file whose folder is used. 0 or -1 with errno. */
int spool_open(struct spool *spool, const char *name, const char *dtype, const char *folder_of);
int spool_write(struct spool *spool, const void *data, size_t bytes);
int spool_write_half(struct spool *spool, const float *data, size_t n); /* as F16 */
/* Copies what was written into the tensor that is due in w. */
int spool_copy(struct spool *spool, struct st_writer *w);
void spool_close(struct spool *spool);

#endif
