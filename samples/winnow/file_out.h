/* SPDX-License-Identifier: MIT */
/* A result that appears whole or not at all: written as PATH.part, then renamed. What exists and is
 * no regular file (a pipe, a device) is written to as it is; NULL is stdout. */
#ifndef WINNOW_FILE_OUT_H
#define WINNOW_FILE_OUT_H

#include <stdio.h>

struct file_out {
    FILE *file;
    char *path, *part; /* part NULL: nothing to rename */
};

/* Each: 0, or -1 with errno. */
int file_out_open(struct file_out *out, const char *path);
int file_out_end(struct file_out *out); /* everything is written: gives it its name */
/* After anything: forgets what has not ended. */
void file_out_abort(struct file_out *out);

#endif
