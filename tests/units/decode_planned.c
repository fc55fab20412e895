/* SPDX-License-Identifier: MIT */
/* Frames chosen by the packet index are those of reading through, whatever the codec, the GOPs and
 * the number of threads; a wrong index does no harm. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "decode/decoder_state.h"
#include "decode/track.h"

#define MOST 2048

#if defined(__SANITIZE_ADDRESS__)
# define LEAKS_COUNT 1 /* x265 loses some bytes of its own with each encoder */
#else
# define LEAKS_COUNT 0
#endif

/* Slowly moving stripes on a drifting ground: every frame differs from the others. */
static void paint_film(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = (uint8_t)(60 + (x + 2 * i) % 64 * 2);
    rgb[1] = (uint8_t)(40 + (y + i) % 48 * 3);
    rgb[2] = (uint8_t)(i * 5);
}

/* The same with grain, which takes many bytes. */
static void paint_grain(int i, int x, int y, uint8_t rgb[3])
{
    uint32_t h = (uint32_t)(i * 640 * 480 + y * 640 + x) * 2654435761u;

    paint_film(i, x, y, rgb);
    for (int c = 0; c < 3; c++, h = h * 1664525 + 1013904223)
        rgb[c] = (uint8_t)(rgb[c] / 2 + (h >> 25));
}

/* ---- frames by the index are those of reading through ---- */

static int read_with(const char *path, const char *chain, int threads, struct seen *s,
                     struct wn_packets **swap, bool *planned)
{
    struct wn_pool *pool = NULL;
    struct opened o;

    if (threads > 1)
        assert_int_equal(wn_pool_create(&pool, threads), 0);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
        .url = path,
        .pool = pool,
        .n_threads = WN_MAX(threads, 1),
    }, chain), 0);
    if (!threads)
        o.decoder->input->no_seek = true;
    if (swap) {
        o.decoder->packets = *swap;
        *swap = NULL;
    }
    const int n = read_all(&o, s, MOST);
    *planned = o.decoder->reader != NULL;
    close_decoder(&o);
    wn_pool_destroy(&pool);
    return n;
}

static void compare(const char *path, const char *chain, int threads, const struct seen *all,
                    int n_all, bool must_plan)
{
    static struct seen s[MOST];
    bool planned;
    const int n = read_with(path, chain, threads, s, NULL, &planned);

    if (n <= 0 || (must_plan && !planned))
        fail_msg("%s of %s: %d frames, planned %d", chain, path, n, planned);
    for (int i = 0; i < n; i++) {
        const int64_t k = s[i].counted;
        if (k < 0 || k >= n_all || s[i].hash != all[k].hash || s[i].key != all[k].key ||
            fabs(s[i].time - all[k].time) > 1e-9)
            fail_msg("%s of %s, %d threads: frame %d, number %d, differs", chain, path, threads, i,
                     (int)k);
    }
}

struct film {
    const char *path, *codec, *options;
    int gop;
    bool large; /* enough bytes for seeks between its GOPs */
};

static void seek_equals_linear(void **state)
{
    static const struct film film[] = {
        {"a.mp4", "mpeg4", "bf=2", 12},
        {"b.mkv", "mpeg4", NULL, 50},
        {"vp8.webm", "libvpx", "deadline=realtime:cpu-used=8:auto-alt-ref=1:lag-in-frames=10", 40},
        {"vp9.webm", "libvpx-vp9", "deadline=realtime:cpu-used=8", 40},
        {"av1.mp4", "libsvtav1", "preset=12", 40},
        {"closed.mp4", "libx264", "preset=veryfast:bf=3", 40},
        {"open.mp4", "libx264", "preset=veryfast:bf=3:x264-params=open-gop=1", 24},
        {"open.mkv", "libx264", "preset=veryfast:bf=3:x264-params=open-gop=1", 24},
        {"refresh.mp4", "libx264", "preset=veryfast:x264-params=intra-refresh=1", 30},
        {"one.mp4", "libx264", "preset=veryfast:bf=2", 9999},
        {"hevc.mp4", "libx265", "preset=superfast:x265-params=log-level=none", 40},
        {"open-hevc.mkv", "libx265", "preset=superfast:x265-params=log-level=none\\:open-gop=1",
         25},
        {"mpeg.ts", "mpeg2video", "bf=2", 12},
        {"closed.ts", "libx264", "preset=veryfast:bf=3", 40, true},
        {"open.ts", "libx264", "preset=veryfast:bf=3:x264-params=open-gop=1", 24},
        {"refresh.ts", "libx264", "preset=veryfast:x264-params=intra-refresh=1", 30},
        {"hevc.ts", "libx265", "preset=superfast:x265-params=log-level=none", 25},
        {"film.flv", "flv", NULL, 12},
    };
    static const char *const chain[] = {
        "uniform=7", "uniform=40", "fps=1.3", "keyframes", "keyframes=max=3", "pick=5",
    };
    static struct seen all[MOST];

    for (int f = 0; f < WN_LEN(film); f++) {
        bool planned;
        if (!avcodec_find_encoder_by_name(film[f].codec) ||
            (LEAKS_COUNT && !strcmp(film[f].codec, "libx265")))
            continue;
        MAKE(.path = film[f].path, .codec = film[f].codec, .options = film[f].options,
             .width = film[f].large ? 320 : 96, .height = film[f].large ? 208 : 64, .n = 200,
             .fps = 24, .gop = film[f].gop, .paint = film[f].large ? paint_grain : paint_film);
        const int n = read_with(film[f].path, "", 0, all, NULL, &planned);
        assert_int_equal(n, 200);
        for (int c = 0; c < WN_LEN(chain); c++)
            for (int threads = 1; threads <= 3; threads++)
                compare(film[f].path, chain[c], threads, all, n, true);
        printf("%s: %d chains on 1 to 3 threads are as reading through\n", film[f].path,
               WN_LEN(chain));
    }
}

/* ---- seeks to bytes ---- */

static uint64_t hash_of(const AVPacket *p)
{
    return wn_hash64(p->data, (size_t)p->size, (uint64_t)(p->flags & AV_PKT_FLAG_KEY));
}

/* From GOP to GOP in all directions: the packets of reading through, and no seek went astray. */
static void seeks_to_bytes(void **state)
{
    static const struct film film[] = {
        {"mpeg.ts", "mpeg2video", "bf=2:b=40000000:qmax=3", 25},
        {"closed.ts", "libx264", "preset=ultrafast:bf=3", 40},
        {"open.ts", "libx264", "preset=ultrafast:bf=3:x264-params=open-gop=1", 24},
        {"hevc.ts", "libx265", "preset=ultrafast:x265-params=log-level=none", 30},
        {"flv1.flv", "flv", "b=40000000:qmax=3", 25},
        {"film.flv", "libx264", "preset=ultrafast:bf=3", 40},
    };
    static uint64_t hash[MOST];
    AVPacket *packet = av_packet_alloc();

    for (int f = 0; f < WN_LEN(film); f++) {
        struct wn_track track;
        struct opened o;
        if (!avcodec_find_encoder_by_name(film[f].codec) ||
            (LEAKS_COUNT && !strcmp(film[f].codec, "libx265")))
            continue;
        MAKE(.path = film[f].path, .codec = film[f].codec, .options = film[f].options,
             .width = 320, .height = 208, .n = 120, .fps = 24, .gop = film[f].gop,
             .paint = paint_grain);
        open_decoder(&o, &(struct wn_decoder_params){.url = film[f].path}, "");
        assert_int_equal(wn_decoder_index(o.decoder), 0);
        const struct wn_packets *x = o.decoder->packets;
        assert_true(x && x->regular && x->pos && x->n == 120);
        wn_track_begin(&track, o.decoder->input, x);
        assert_int_equal(wn_track_go(&track, 0), 0);
        for (int i = 0; i < x->n; i++, av_packet_unref(packet)) {
            assert_int_equal(wn_track_read(&track, packet), 0);
            hash[i] = hash_of(packet);
        }
        for (int64_t step = 1; step < 2 * x->n_gops; step++) {
            const int64_t first = x->key[step * 5 % x->n_gops];
            assert_int_equal(wn_track_go(&track, first), 0);
            for (int64_t i = first; i < WN_MIN(x->n, first + 15); i++, av_packet_unref(packet)) {
                assert_int_equal(wn_track_read(&track, packet), 0);
                assert_int_equal(hash_of(packet), hash[i]);
                assert_int_equal(packet->flags & AV_PKT_FLAG_CORRUPT, 0);
            }
        }
        assert_false(track.no_jump);
        const int64_t last = x->n_gops - 1;
        if (f % 2) /* another key frame, and no beginning of a packet */
            x->pos[last] = x->pos[1];
        else
            x->pos[last] += 77;
        assert_int_equal(wn_track_go(&track, 0), 0);
        assert_int_equal(wn_track_go(&track, x->key[last]), 0);
        assert_int_equal(wn_track_read(&track, packet), 0);
        assert_int_equal(hash_of(packet), hash[x->key[last]]);
        assert_true(track.no_jump);
        av_packet_unref(packet);
        printf("%s, %d GOPs of %d bytes: packets behind seeks are those of reading through\n",
               film[f].path, (int)x->n_gops, (int)(x->bytes / x->n_gops));
        wn_track_end(&track);
        close_decoder(&o);
    }
    av_packet_free(&packet);
}

/* An index of another film: what was promised is not there, and everything is read through. */
static void a_lying_index(void **state)
{
    static struct seen a[MOST], b[MOST];
    struct wn_packets *x = NULL;
    struct wn_log log;
    bool planned;

    wn_log_init(&log);
    MAKE(.path = "true.mp4", .codec = "mpeg4", .n = 120, .fps = 24, .gop = 12, .paint = paint_film);
    MAKE(.path = "lie.mp4", .codec = "mpeg4", .n = 150, .fps = 25, .gop = 7, .paint = paint_film);
    const int n = read_with("true.mp4", "keyframes", 0, b, NULL, &planned);
    for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(wn_packets_load(&x, &(struct wn_packets_params){
            .url = "lie.mp4",
            .codec = AV_CODEC_ID_MPEG4,
            .log = &log,
        }), 0);
        for (int64_t i = 0; i < x->n_gops; i++)
            x->block[0].stamp.first += i ? 0 : 3;
        assert_int_equal(read_with("true.mp4", "keyframes", threads, a, &x, &planned), n);
        assert_false(planned);
        for (int i = 0; i < n; i++)
            assert_true(a[i].hash == b[i].hash);
    }
    wn_log_finish(&log);
}

/* ---- memory, and what cannot be indexed ---- */

static void memory_is_bounded(void **state)
{
    struct wn_pool *pool = NULL;
    struct opened o;
    struct wn_frame *f = NULL;
    int n = 0;

    MAKE(.path = "keys.mp4", .codec = "mpeg4", .width = 1280, .height = 720, .n = 150, .gop = 1,
         .paint = paint_film);
    assert_int_equal(wn_pool_create(&pool, 2), 0);
    const int64_t before = wn_peak_bytes();
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
        .url = "keys.mp4",
        .pool = pool,
        .fit = {64, 64, true},
    }, "keyframes=max=100"), 0);
    for (; !wn_decoder_next(o.decoder, &f); n++) {
        assert_int_equal(f->width, 64);
        wn_frame_unref(&f);
    }
    assert_int_equal(n, 100);
    close_decoder(&o);
    wn_pool_destroy(&pool);
    printf("peak grew by %.1f MB; the pictures are %.1f MB\n",
           (double)(wn_peak_bytes() - before) / 1e6, 100 * 1280 * 720 * 1.5 / 1e6);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(wn_peak_bytes() - before < 60 << 20);
#endif
}

static int stop_soon(void *opaque, double done)
{
    return done > 0.3;
}

static void stopping(void **state)
{
    static const char *const chain[] = {"keyframes", "uniform=50", "fps=10"};
    struct wn_pool *pool = NULL;

    MAKE(.path = "a.mp4", .codec = "mpeg4", .width = 96, .height = 64, .n = 200, .fps = 24,
         .gop = 12, .paint = paint_film);
    assert_int_equal(wn_pool_create(&pool, 2), 0);
    for (int i = 0; i < WN_LEN(chain); i++) {
        for (int cancels = 0; cancels < 2; cancels++) {
            struct opened o;
            struct wn_frame *f = NULL;
            int err = 0;
            assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
                .url = "a.mp4",
                .pool = pool,
                .on_progress = cancels ? NULL : stop_soon,
            }, chain[i]), 0);
            for (int n = 0; !err; n++) {
                if (cancels && n == 1)
                    atomic_store(&o.log.cancelled, true);
                err = wn_decoder_next(o.decoder, &f);
                if (!err)
                    wn_frame_unref(&f);
            }
            /* What was decoded before may still come. */
            assert_true(err == WN_ERR_ABORTED || (cancels && err == WN_EOF));
            close_decoder(&o);
        }
    }
    wn_pool_destroy(&pool);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(seek_equals_linear),
        cmocka_unit_test(seeks_to_bytes),
        cmocka_unit_test(a_lying_index),
        cmocka_unit_test(stopping),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
