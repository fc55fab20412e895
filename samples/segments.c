/* SPDX-License-Identifier: MIT */
/* An app that works through a long video: segments MODEL.gguf VIDEO CACHE_DIR [SECONDS]
 *
 * A line for each stretch of at most five seconds as soon as it is known, however long the video.
 * After SECONDS another thread gives up. What was encoded is kept in CACHE_DIR, so that the next
 * run over the same file decodes nothing; CACHE_DIR is then looked through and cut to 64 MiB. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "winnow.h"

#define CACHE_BYTES ((int64_t)64 << 20)

struct patience {
    struct wn_session *session;
    double seconds;
};

static void *run_out(void *opaque)
{
    struct patience *p = opaque;
    const time_t whole = (time_t)p->seconds;

    nanosleep(&(struct timespec){.tv_sec = whole, .tv_nsec = (long)(1e9 * (p->seconds - whole))},
              NULL);
    wn_cancel(p->session); /* the one call that any thread may make at any time */
    return NULL;
}

static int on_progress(void *opaque, double done)
{
    (void)opaque;
    fprintf(stderr, "\r%3.0f %%", 100 * done);
    return 0; /* anything else stops the work, too */
}

static int tell(struct wn_session *s, struct wn_segment *seg)
{
    struct wn_tokens tokens = {.size = sizeof(tokens)};
    double start, end;
    char *answer = NULL;
    const int err = wn_ask_segments(s, &seg, 1, 1, "what is there?",
                                    wn_ask_params(.max_tokens = 32), &answer);

    wn_segment_times(seg, &start, &end);
    wn_segment_tokens(seg, &tokens);
    if (!err)
        printf("%.1f-%.1f s, %d of %d tokens: %s\n", start, end, (int)tokens.n,
               (int)tokens.n_before, answer);
    wn_free(answer);
    return err;
}

static int work_through(struct wn_session *s, const char *video)
{
    struct wn_source *src = NULL;
    struct wn_segment *seg = NULL;
    struct wn_stats stats = {.size = sizeof(stats)};
    int err = wn_source_open(&src, s, video, wn_source_params(
        .filters = "scene,fps=2,vtc_cls=keep=16",
        .max_segment = 5,
        .per_segment = 1,
        .on_progress = on_progress));

    while (!err && (err = wn_source_pull(src, &seg)) == WN_OK) {
        err = tell(s, seg);
        wn_segment_unref(&seg); /* nothing of it is left: an hour takes no more than a minute */
    }
    if (err == WN_EOF) {
        wn_source_stats(src, &stats);
        fprintf(stderr, "\r%lld segments, %lld of them from the cache\n", (long long)stats.segments,
                (long long)stats.cached);
        err = WN_OK;
    }
    wn_source_close(&src);
    return err;
}

static int count_entry(void *opaque, const struct wn_cache_entry *entry)
{
    int *damaged = opaque;

    fprintf(stderr, "%s: %s, %lld bytes%s\n", entry->name, entry->about, (long long)entry->bytes,
            entry->damaged ? ", damaged" : "");
    *damaged += entry->damaged;
    return 0;
}

int main(int argc, char **argv)
{
    struct patience patience = {.seconds = argc == 5 ? strtod(argv[4], NULL) : 0};
    pthread_t thread;
    int err, damaged = 0;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: segments MODEL.gguf VIDEO CACHE_DIR [SECONDS]\n");
        return 2;
    }
    err = wn_open(&patience.session, wn_params(.model = argv[1], .cache_dir = argv[3],
                                               .row_cache = CACHE_BYTES));
    const int timed = argc == 5 && !err && !pthread_create(&thread, NULL, run_out, &patience);
    if (!err)
        err = work_through(patience.session, argv[2]);
    if (timed) { /* it sleeps or is done */
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    if (err)
        fprintf(stderr, "segments: %s\n",
                patience.session ? wn_errmsg(patience.session) : wn_strerror(err));
    wn_close(&patience.session);
    wn_cache_each(argv[3], 1, count_entry, &damaged);
    fprintf(stderr, "%lld bytes are left, %d entries damaged\n",
            (long long)wn_cache_trim(argv[3], CACHE_BYTES), damaged);
    return err == WN_ERR_ABORTED ? 3 : err ? 1 : 0;
}
