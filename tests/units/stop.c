/* SPDX-License-Identifier: MIT */
/* Nothing waits for input that does not come: a FIFO that nobody writes to can be given up, and a
 * source is closed while its decoder waits for more.
 *     stop MODEL MMPROJ WEBM
 * Uses winnow.h only. */
#define _GNU_SOURCE /* mkdtemp() */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/winnow.h"

/* Far more than what is due, far less than waiting. */
#define SOON 5.0

static const char *video;
static char folder[64], fifo[80];
static struct wn_session *session;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rest(double seconds)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)seconds,
                                 .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))},
              NULL);
}

static void *cancel_soon(void *unused)
{
    rest(0.3);
    wn_cancel(session);
    return NULL;
}

static void nobody_writes(void **state)
{
    struct wn_source *src = NULL;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    const double began = now();
    assert_int_equal(wn_source_open(&src, session, fifo, NULL), WN_ERR_ABORTED);
    assert_true(now() - began < SOON);
    assert_null(src);
    pthread_join(thread, NULL);
    wn_resume(session);
}

struct writer {
    pthread_t thread;
    const char *data;
    size_t n;
    int done[2]; /* a pipe: closed when the writer may go */
};

static void *write_part(void *opaque)
{
    const struct writer *w = opaque;
    const int fd = open(fifo, O_WRONLY);
    char byte;

    for (size_t at = 0; fd >= 0 && at < w->n;) {
        const ssize_t n = write(fd, w->data + at, w->n - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    while (read(w->done[0], &byte, 1) > 0) /* the rest never comes, but it is not the end */
        ;
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void writer_start(struct writer *w, const char *data, size_t n)
{
    w->data = data;
    w->n = n;
    assert_int_equal(pipe(w->done), 0);
    assert_int_equal(pthread_create(&w->thread, NULL, write_part, w), 0);
}

static void writer_stop(struct writer *w)
{
    close(w->done[1]);
    pthread_join(w->thread, NULL);
    close(w->done[0]);
}

static size_t read_video(char **out)
{
    FILE *f = fopen(video, "rb");

    *out = malloc(1 << 20);
    assert_non_null(f);
    const size_t n = fread(*out, 1, 1 << 20, f);
    fclose(f);
    return n;
}

/* The decoder runs ahead of what is pulled, and waits. */
static void close_while_it_waits(void **state)
{
    struct wn_source *src = NULL;
    struct wn_segment *seg = NULL;
    struct writer w;
    char *data;

    (void)state;
    const size_t n = read_video(&data);
    writer_start(&w, data, n * 3 / 4);
    assert_int_equal(wn_source_open(&src, session, fifo, wn_source_params(
        .filters = "fps=2,pool", .max_segment = 1)), WN_OK);
    assert_int_equal(wn_source_pull(src, &seg), WN_OK);
    wn_segment_unref(&seg);
    rest(0.2);
    const double began = now();
    wn_source_close(&src);
    assert_true(now() - began < SOON);
    writer_stop(&w);
    free(data);
}

/* The same where the caller itself waits. */
static void cancel_while_it_waits(void **state)
{
    struct wn_source *src = NULL;
    struct wn_segment *seg = NULL;
    struct writer w;
    pthread_t thread;
    char *data;
    int err;

    (void)state;
    const size_t n = read_video(&data);
    writer_start(&w, data, n * 3 / 4);
    assert_int_equal(wn_source_open(&src, session, fifo, wn_source_params(.filters = "fps=2,pool")),
                     WN_OK);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    const double began = now();
    while ((err = wn_source_pull(src, &seg)) == WN_OK)
        wn_segment_unref(&seg);
    assert_int_equal(err, WN_ERR_ABORTED);
    assert_true(now() - began < SOON);
    pthread_join(thread, NULL);
    wn_resume(session);
    assert_int_equal(wn_source_pull(src, &seg), WN_ERR_ABORTED); /* it stays so */
    wn_source_close(&src);
    writer_stop(&w);
    free(data);
}

/* All of it comes, with a rest: nothing is missing. */
static void whole(void **state)
{
    struct wn_stats through[2] = {{.size = sizeof(through[0])}, {.size = sizeof(through[1])}};
    struct writer w;
    char *data;

    (void)state;
    const size_t n = read_video(&data);
    for (int i = 0; i < 2; i++) {
        struct wn_source *src = NULL;
        struct wn_segment *seg = NULL;
        if (i)
            writer_start(&w, data, n);
        assert_int_equal(wn_source_open(&src, session, i ? fifo : video,
                                        wn_source_params(.filters = "fps=2,pool")), WN_OK);
        if (i)
            writer_stop(&w);
        while (wn_source_pull(src, &seg) == WN_OK)
            wn_segment_unref(&seg);
        wn_source_stats(src, &through[i]);
        wn_source_close(&src);
    }
    assert_int_equal(through[0].frames, through[1].frames);
    assert_int_equal(through[0].tokens_after, through[1].tokens_after);
    assert_true(through[0].frames > 0);
    free(data);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_writes),
        cmocka_unit_test(close_while_it_waits),
        cmocka_unit_test(cancel_while_it_waits),
        cmocka_unit_test(whole),
    };

    if (argc < 4) {
        fprintf(stderr, "stop MODEL MMPROJ WEBM\n");
        return 77;
    }
    signal(SIGPIPE, SIG_IGN);
    video = argv[3];
    snprintf(folder, sizeof(folder), "/tmp/winnow-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    if (mkfifo(fifo, 0600) ||
        wn_open(&session, wn_params(.model = argv[1], .mmproj = argv[2], .device = "cpu",
                                    .n_threads = 2)))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wn_close(&session);
    unlink(fifo);
    rmdir(folder);
    return failed;
}
