/* SPDX-License-Identifier: MIT */
#include "file_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *a, const char *b)
{
    const size_t size = strlen(a) + strlen(b) + 1;
    char *text = malloc(size);

    if (text)
        snprintf(text, size, "%s%s", a, b);
    return text;
}

int file_out_open(struct file_out *out, const char *path)
{
    struct stat st;

    *out = (struct file_out){.file = path ? NULL : stdout};
    if (!path)
        return 0;
    const int replace = stat(path, &st) != 0 || S_ISREG(st.st_mode);
    out->path = join(path, "");
    out->part = replace ? join(path, ".part") : NULL;
    if (!out->path || (replace && !out->part)) {
        errno = ENOMEM;
        goto fail;
    }
    out->file = fopen(replace ? out->part : out->path, "wb");
    if (out->file)
        return 0;
    free(out->part); /* was not made here */
    out->part = NULL;
fail:
    file_out_abort(out);
    return -1;
}

static void forget(struct file_out *out)
{
    const int error = errno;

    if (out->file && out->file != stdout)
        fclose(out->file);
    if (out->part)
        unlink(out->part);
    free(out->part);
    free(out->path);
    *out = (struct file_out){0};
    errno = error;
}

int file_out_end(struct file_out *out)
{
    int bad = fflush(out->file) != 0 || ferror(out->file);

    if (out->file == stdout) {
        out->file = NULL;
        return bad ? -1 : 0;
    }
    if (!bad && out->part)
        bad = fsync(fileno(out->file)) != 0;
    if (!bad) {
        bad = fclose(out->file) != 0;
        out->file = NULL;
    }
    if (!bad && out->part)
        bad = rename(out->part, out->path) != 0;
    if (!bad) {
        free(out->part);
        out->part = NULL;
    }
    forget(out);
    return bad ? -1 : 0;
}

void file_out_abort(struct file_out *out)
{
    forget(out);
}
