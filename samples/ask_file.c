/* SPDX-License-Identifier: MIT */
/* Asks a question about a video file: ask_file MODEL.gguf VIDEO "question" */
#include <stdio.h>
#include "winnow.h"

static int print_text(void *opaque, const char *utf8, size_t len)
{
    (void)opaque;
    fwrite(utf8, 1, len, stdout);
    return fflush(stdout); /* nonzero stops the answer */
}

int main(int argc, char **argv)
{
    struct wn_session *s = NULL;
    int err;

    if (argc != 4) {
        fprintf(stderr, "usage: ask_file MODEL.gguf VIDEO \"question\"\n");
        return 2;
    }
    err = wn_open(&s, wn_params(.model = argv[1])); /* the mmproj lies beside the model */
    if (!err)
        err = wn_ask(s, argv[2], argv[3], wn_ask_params(.on_text = print_text), NULL);
    if (err)
        fprintf(stderr, "ask_file: %s\n", s ? wn_errmsg(s) : wn_strerror(err));
    else
        putchar('\n');
    wn_close(&s);
    return err ? 1 : 0;
}
