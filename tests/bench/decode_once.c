/* SPDX-License-Identifier: MIT */
/* One run of the decoder, as tests/bench/decode.py measures it.
 *
 *     decode_once FILE CHAIN THREADS WIDTHxHEIGHT [CACHE_DIR]   frames of a chain; 0x0: as stored
 *     decode_once FILE index                                    the packet index
 *
 * Prints a JSON object. */
#include "decode/decoder_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int frames(struct wn_decoder *d, int64_t *n, uint64_t *hash)
{
    struct wn_frame *f = NULL;
    int err;

    while (!(err = wn_decoder_next(d, &f))) {
        *hash = wn_hash64(f->rgb, (size_t)f->width * (size_t)f->height * 3, *hash);
        ++*n;
        wn_frame_unref(&f);
    }
    return err == WN_EOF ? WN_OK : err;
}

static int run(int argc, char **argv, struct wn_log *log, struct wn_pool *pool)
{
    const struct wn_clip clip = {0};
    struct wn_decoder *d = NULL;
    struct wn_chain *chain = NULL;
    struct wn_decoder_params p = {.url = argv[1], .log = log, .pool = pool};
    const bool index = argc == 3;
    uint64_t hash = 0;
    int64_t n = 0;
    int err, n_filters;

    p.n_threads = index ? 1 : (int)strtol(argv[3], NULL, 10);
    p.cache_dir = argc > 5 ? argv[5] : NULL;
    p.fit.stretch = true;
    if (!index && sscanf(argv[4], "%dx%d", &p.fit.width, &p.fit.height) != 2)
        return wn_fail(log, WN_ERR_ARG, "%s is no size", argv[4]);
    const double began = wn_now();
    const clock_t worked = clock();
    TRY(wn_decoder_open(&d, &p));
    if (index) {
        TRY(wn_decoder_index(d));
        n = d->packets ? d->packets->n : 0;
    } else {
        TRY(wn_chain_parse(&chain, argv[2], &clip, log));
        struct wn_instance **filters = wn_chain_at(chain, WN_AT_FRAME, &n_filters);
        TRY(wn_decoder_set_filters(d, filters, n_filters));
        TRY(frames(d, &n, &hash));
    }
    printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"n\": %" PRId64 ", \"decoded\": %" PRId64
           ", \"peak_bytes\": %" PRId64 ", \"hash\": \"%016" PRIx64 "\"}\n",
           wn_now() - began, (double)(clock() - worked) / CLOCKS_PER_SEC, n,
           d->input->count, wn_peak_bytes(), hash);
fail:
    wn_decoder_close(&d);
    wn_chain_destroy(&chain);
    return err;
}

int main(int argc, char **argv)
{
    struct wn_log log;
    struct wn_pool *pool = NULL;

    if (argc != 3 && argc != 5 && argc != 6) {
        fprintf(stderr, "usage: see the head of decode_once.c\n");
        return 2;
    }
    wn_log_init(&log);
    const int threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    if (threads > 1 && wn_pool_create(&pool, threads) < 0)
        return 9;
    const int err = run(argc, argv, &log, pool);
    if (err < 0)
        fprintf(stderr, "%s\n", log.last_error);
    wn_pool_destroy(&pool);
    wn_log_finish(&log);
    return err < 0;
}
