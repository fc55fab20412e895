/* SPDX-License-Identifier: MIT */
/* What cannot be indexed: every frame filter gives the same of a pipe as of the file, in bounded
 * memory, and a file that grows while it is read is read as far as it has come. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/decoder_state.h"
#include "pipeline/filter.h"

#define MOST 2048

static void paint_film(int i, int x, int y, uint8_t rgb[3])
{
    const int shot = i / 70;

    rgb[0] = (uint8_t)(60 + (x + 2 * i) % 64 * 2 + 40 * shot);
    rgb[1] = (uint8_t)(40 + (y + i) % 48 * 3 + 90 * shot);
    rgb[2] = (uint8_t)(i * 5);
}

/* A control for measurements, which holds all that comes and turns time around. */
static bool is_control(const struct wn_filter *filter)
{
    return !strcmp(filter->name, "shuffle");
}

struct feeding {
    const char *from, *to;
};

static void *feed(void *opaque)
{
    const struct feeding *p = opaque;
    FILE *in = fopen(p->from, "rb"), *out = fopen(p->to, "wb");
    char buf[4096];

    for (size_t n; in && out && (n = fread(buf, 1, sizeof(buf), in)) > 0;)
        if (fwrite(buf, 1, n, out) != n)
            break;
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return NULL;
}

static int read_with(const char *path, const char *chain, bool seeks, struct seen *s)
{
    struct wn_pool *pool = NULL;
    struct opened o;

    assert_int_equal(wn_pool_create(&pool, 2), 0);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
        .url = path,
        .pool = pool,
        .n_threads = 2,
        .cache_dir = "cache",
    }, chain), 0);
    if (!seeks)
        o.decoder->input->no_seek = true;
    const int n = read_all(&o, s, MOST);
    if (o.decoder->reader || o.decoder->packets)
        fail_msg("%s of %s: it has an index", chain, path);
    close_decoder(&o);
    wn_pool_destroy(&pool);
    return n;
}

static int read_pipe(const char *from, const char *to, const char *chain, struct seen *s)
{
    struct feeding p = {from, to};
    pthread_t thread;

    unlink(to);
    assert_int_equal(mkfifo(to, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, feed, &p), 0);
    const int n = read_with(to, chain, true, s);
    pthread_join(thread, NULL);
    return n;
}

static void memory_is_bounded(void **state)
{
    static struct seen s[MOST];

    MAKE(.path = "long.mkv", .codec = "mpeg4", .width = 320, .height = 240, .n = 1000, .fps = 25,
         .gop = 50, .paint = paint_film);
    const int64_t before = wn_peak_bytes();
    for (int i = 0; wn_frame_filters[i]; i++) {
        const char *chain = wn_frame_filters[i]->name;
        if (is_control(wn_frame_filters[i]))
            continue;
        assert_true(read_pipe("long.mkv", "long.pipe", chain, s) > 0);
        printf("%s: peak has grown by %.1f MB; the pictures are %.1f MB\n", chain,
               (double)(wn_peak_bytes() - before) / 1e6, 1000 * 320 * 240 * 1.5 / 1e6);
#if !defined(__SANITIZE_ADDRESS__)
        assert_true(wn_peak_bytes() - before < 64 << 20);
#endif
    }
}

static void same_as_the_file(void **state)
{
    static const char *const more[] = {
        "", "fps=2", "uniform=5", "keyframes=max=3", "pick=4", "scene,pick=by=sharpest",
        "scene=detector=adaptive", "fps=4,dedup,motion",
    };
    static struct seen a[MOST], b[MOST];
    int n_chains = 0;

    MAKE(.path = "film.mkv", .codec = "mpeg4", .width = 96, .height = 64, .n = 200, .fps = 20,
         .gop = 25, .paint = paint_film);
    for (int i = 0; i < WN_LEN(more) || wn_frame_filters[i - WN_LEN(more)]; i++, n_chains++) {
        const char *chain =
            i < WN_LEN(more) ? more[i] : wn_frame_filters[i - WN_LEN(more)]->name;
        const int n = read_with("film.mkv", chain, false, a);
        if (read_pipe("film.mkv", "film.pipe", chain, b) != n)
            fail_msg("%s of a pipe: not %d frames", chain, n);
        assert_true(n > 0);
        for (int k = 0; k < n; k++)
            if (a[k].hash != b[k].hash || fabs(a[k].time - b[k].time) > 1e-9 ||
                a[k].scene != b[k].scene)
                fail_msg("%s of a pipe: frame %d differs", chain, k);
    }
    printf("%d chains are the same of a pipe\n", n_chains);
}

/* A stream that does not say how long it is, and cannot be asked. */
static void without_an_end(void **state)
{
    static const struct {
        const char *chain;
        int n;
    } want[] = {{"", 200}, {"uniform=5", 5}, {"keyframes=max=3", 3}, {"pick=4", 4}};
    static struct seen s[MOST];

    MAKE(.path = "film.ts", .codec = "mpeg2video", .width = 96, .height = 64, .n = 200, .fps = 25,
         .gop = 12, .paint = paint_film);
    for (int i = 0; i < WN_LEN(want); i++) {
        const int n = read_pipe("film.ts", "ts.pipe", want[i].chain, s);
        if (n != want[i].n)
            fail_msg("%s of a pipe: %d frames, not %d", want[i].chain, n, want[i].n);
        for (int k = 1; k < n; k++)
            assert_true(s[k].time > s[k - 1].time);
    }
}

/* ---- a file that grows ---- */

static void append(const char *from, const char *to, double begin, double end)
{
    struct stat st;
    FILE *in = fopen(from, "rb"), *out = fopen(to, begin > 0 ? "ab" : "wb");

    assert_true(in && out && !fstat(fileno(in), &st));
    const long first = (long)(begin * (double)st.st_size), last = (long)(end * (double)st.st_size);
    fseek(in, first, SEEK_SET);
    for (long i = first; i < last; i++)
        fputc(fgetc(in), out);
    fclose(in);
    fclose(out);
}

static int read_growing(const char *from, const char *to, const char *chain)
{
    struct opened o;
    struct wn_frame *f = NULL;
    double time = -1;
    int n = 0, err;

    append(from, to, 0, 0.5);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
        .url = to,
        .n_threads = 1,
        .cache_dir = "cache",
    }, chain), 0);
    while (!(err = wn_decoder_next(o.decoder, &f))) {
        assert_true(f->time >= time); /* parts of one frame are shown at once */
        time = f->time;
        wn_frame_unref(&f);
        if (n++ == 0)
            append(from, to, 0.5, 0.8);
        else if (n == 2)
            append(from, to, 0.8, 1);
    }
    assert_int_equal(err, WN_EOF);
    close_decoder(&o);
    return n;
}

static void growing(void **state)
{
    static const char *const file[] = {"film.mkv", "film.ts"};

    MAKE(.path = "film.mkv", .codec = "mpeg4", .width = 96, .height = 64, .n = 200, .fps = 25,
         .gop = 12, .paint = paint_film);
    MAKE(.path = "film.ts", .codec = "mpeg2video", .width = 96, .height = 64, .n = 200, .fps = 25,
         .gop = 12, .paint = paint_film);
    for (int k = 0; k < WN_LEN(file); k++) {
        const int n = read_growing(file[k], k ? "grows.ts" : "grows.mkv", "");
        printf("%s: %d frames of 200 while it grew\n", file[k], n);
        assert_in_range(n, 90, 200);
        for (int i = 0; wn_frame_filters[i]; i++)
            if (!is_control(wn_frame_filters[i]))
                assert_true(read_growing(file[k], k ? "grows.ts" : "grows.mkv",
                                         wn_frame_filters[i]->name) > 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(same_as_the_file),
        cmocka_unit_test(without_an_end),
        cmocka_unit_test(growing),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
