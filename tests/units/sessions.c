/* SPDX-License-Identifier: MIT */
/* Sessions that share models, each in a thread: the answers of one alone, messages and cancellation
 * of their own, and files that other processes decode.
 *     sessions MODEL VIDEO
 * Uses winnow.h only. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/winnow.h"

enum { SESSIONS = 3 };

static int passed, failed;

static int check(int good, const char *what, const char *more)
{
    passed += good != 0;
    failed += !good;
    if (!good)
        printf("FAIL: %s (%s)\n", what, more ? more : "");
    return good;
}

static const char *const questions[] = {"what color is the square?", "describe the video.",
                                        "how many objects are there?"};

struct one {
    pthread_t thread;
    struct wn_session *models_of, *s;
    const char *video, *missing;
    int opened, n;
    char *answer[3];
    char said[256];
    int err;
};

/* A file that is not there between questions: its message must not reach another session. */
static void *ask(void *arg)
{
    struct one *o = arg;
    struct wn_source *none = NULL;

    o->opened = wn_open(&o->s, wn_params(.models_of = o->models_of, .device = "cpu", .n_threads = 2,
                                         .filters = "fps=1,stride=keep=0.5"));
    for (o->n = 0; !o->opened && o->n < 3; o->n++) {
        if (wn_ask(o->s, o->video, questions[o->n], NULL, &o->answer[o->n]))
            break;
        o->err = wn_source_open(&none, o->s, o->missing, NULL);
    }
    if (!o->opened)
        snprintf(o->said, sizeof(o->said), "%s", wn_errmsg(o->s));
    return NULL;
}

static void ask_all(struct one one[SESSIONS], struct wn_session *models_of, const char *video,
                    char missing[SESSIONS][32])
{
    for (int i = 0; i < SESSIONS; i++) {
        snprintf(missing[i], 32, "missing-%d.mp4", i);
        one[i] = (struct one){.models_of = models_of, .video = video, .missing = missing[i]};
        pthread_create(&one[i].thread, NULL, ask, &one[i]);
    }
    for (int i = 0; i < SESSIONS; i++)
        pthread_join(one[i].thread, NULL);
}

static void same_answers(struct wn_session *s, const char *video, const char *how)
{
    struct one one[SESSIONS];
    char missing[SESSIONS][32];
    char *alone[3] = {NULL};

    for (int q = 0; q < 3; q++)
        check(!wn_ask(s, video, questions[q], NULL, &alone[q]), "a session alone", wn_errmsg(s));
    ask_all(one, s, video, missing);
    for (int i = 0; i < SESSIONS; i++) {
        check(one[i].n == 3, how, one[i].said);
        for (int q = 0; q < one[i].n; q++)
            check(alone[q] && !strcmp(alone[q], one[i].answer[q]), "the same answer", questions[q]);
        check(one[i].err == WN_ERR_IO && strstr(one[i].said, missing[i]), "its own message",
              one[i].said);
    }
    wn_cancel(one[0].s);
    char *text = NULL;
    check(wn_ask(one[0].s, video, questions[0], NULL, &text) == WN_ERR_ABORTED, "cancelled", how);
    check(!wn_ask(one[1].s, video, questions[0], NULL, &text) && !strcmp(text, alone[0]),
          "another session goes on", wn_errmsg(one[1].s));
    wn_free(text);
    for (int i = 0; i < SESSIONS; i++) {
        wn_close(&one[i].s);
        for (int q = 0; q < 3; q++)
            wn_free(one[i].answer[q]);
    }
    for (int q = 0; q < 3; q++)
        wn_free(alone[q]);
}

int main(int argc, char **argv)
{
    struct wn_session *s = NULL, *bad = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: sessions MODEL VIDEO\n");
        return 2;
    }
    for (int isolate = 0; isolate < 2; isolate++) {
        const int err = wn_open(&s, wn_params(.model = argv[1], .device = "cpu", .no_gpu_model = 1,
                                              .filters = "fps=1,stride=keep=0.5", .n_threads = 2,
                                              .isolate = isolate));
        if (check(!err, "a session", s ? wn_errmsg(s) : ""))
            same_answers(s, argv[2], isolate ? "files are decoded apart" : "models are shared");
        check(wn_open(&bad, wn_params(.models_of = s, .model = argv[1])) == WN_ERR_ARG,
              "models_of and models", NULL);
        wn_close(&bad);
        wn_close(&s);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
