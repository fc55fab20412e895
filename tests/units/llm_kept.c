/* SPDX-License-Identifier: MIT */
/* Prompts on disk: a model that takes one up gives the numbers of one that read it all, to the last
 * bit, and no file, whatever became of it, does harm.
 *
 *     llm_kept MODEL.gguf */
#define _GNU_SOURCE /* mkdtemp() */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../pipeline/llm.h"

static const char *path;
static char folder[64];

struct model {
    struct wn_log log;
    struct wn_llm *llm;
    struct wn_llm_info info;
};

static void model_open(struct model *m)
{
    memset(m, 0, sizeof(*m));
    wn_log_init(&m->log);
    m->log.level = WN_LOG_ERROR;
    assert_int_equal(wn_llm_open(&m->llm, &(struct wn_llm_params){
        .model = path, .n_threads = 1, .n_ctx = 512, .no_gpu = true, .log = &m->log}), WN_OK);
    wn_llm_info(m->llm, &m->info);
}

static void model_close(struct model *m)
{
    wn_llm_close(&m->llm);
    wn_log_finish(&m->log);
}

/* Rows whose places are those of M-RoPE where the model has it. */
static struct wn_rows *make_rows(const struct wn_llm_info *info, uint32_t seed)
{
    enum { FRAMES = 4, EACH = 6 };
    struct wn_rows *r = wn_rows_create(FRAMES * EACH, info->dim, FRAMES);
    struct wn_layout *l = wn_calloc(1, sizeof(*l));

    atomic_init(&l->refs, 1);
    l->n_rows = EACH;
    l->grid_h = 2;
    l->grid_w = 3;
    l->pos = wn_calloc(EACH, sizeof(*l->pos));
    l->mpos = info->mrope ? wn_calloc(EACH, sizeof(*l->mpos)) : NULL;
    for (int32_t i = 0; l->mpos && i < EACH; i++) {
        l->mpos[i][1] = i / 3;
        l->mpos[i][2] = i % 3;
    }
    l->n_parts = 1;
    l->parts = wn_calloc(1, sizeof(*l->parts));
    l->parts[0] = (struct wn_layout_part){.tokens = wn_calloc(1, 4), .n_rows = EACH,
                                          .n_pos = l->mpos ? 3 : EACH};
    for (int32_t f = 0; f < FRAMES; f++) {
        r->frame_ptr[f + 1] = EACH * (f + 1);
        r->frames[f] = (struct wn_row_frame){.index = f, .time = f, .layout = wn_layout_ref(l)};
    }
    wn_layout_unref(&l);
    for (int32_t i = 0; i < r->n; i++)
        r->cell[i] = i % EACH;
    for (size_t i = 0; i < (size_t)r->n * (size_t)r->dim; i++) {
        seed = seed * 1664525u + 1013904223u;
        r->data[i] = (float)((int32_t)(seed >> 16) - 32768) / 65536;
    }
    return r;
}

static struct wn_kept kept_by(uint64_t model, bool keep)
{
    return (struct wn_kept){.folder = folder, .key = {model, 7}, .most_bytes = 64 << 20,
                            .keep = keep, .about = "prompt"};
}

static struct wn_prompt prompt_of(struct wn_rows *const *rows, const struct wn_kept *kept)
{
    return (struct wn_prompt){.segments = rows, .n_segments = 1, .label = "[{t}]",
                              .question = "what is it?", .kept = kept};
}

static int64_t answer(struct model *m, struct wn_rows *rows, const struct wn_kept *kept,
                      char **text)
{
    struct wn_answer_stats stats = {0};
    const struct wn_prompt prompt = prompt_of(&rows, kept);

    assert_int_equal(wn_llm_answer(m->llm, &prompt,
        &(struct wn_ask_params){.size = sizeof(struct wn_ask_params), .max_tokens = 6}, text,
        &stats), WN_OK);
    return stats.reused;
}

static float *logits(struct model *m, struct wn_rows *rows, const struct wn_kept *kept, int *n)
{
    const struct wn_prompt prompt = prompt_of(&rows, kept);
    float *out = NULL;

    assert_int_equal(wn_llm_logits(m->llm, &prompt, &out, n), WN_OK);
    return out;
}

/* The entry's name in `name`; how many there are. */
static int entries(char name[512])
{
    DIR *dir = opendir(folder);
    int n = 0;

    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        if (name)
            snprintf(name, 512, "%s/%s", folder, e->d_name);
        n++;
    }
    if (dir)
        closedir(dir);
    return n;
}

static void empty_folder(void)
{
    wn_cache_unlink(folder, NULL);
    assert_int_equal(entries(NULL), 0);
}

static void same_numbers(void **state)
{
    struct model first, second, fresh;
    const struct wn_kept kept = kept_by(1, true), other = kept_by(2, false);
    char *a = NULL, *b = NULL, *c = NULL;
    int n, m;

    (void)state;
    model_open(&first);
    struct wn_rows *rows = make_rows(&first.info, 1), *changed = make_rows(&first.info, 1);
    changed->data[3] += 0.25f;
    assert_int_equal(answer(&first, rows, &kept, &a), 0);
    assert_int_equal(entries(NULL), 1);
    assert_true(answer(&first, rows, &kept, &b) >= rows->n); /* it is in memory still */
    assert_string_equal(a, b);
    assert_int_equal(entries(NULL), 1);
    model_close(&first);

    model_open(&second);
    model_open(&fresh);
    float *x = logits(&second, rows, &kept, &n), *y = logits(&fresh, rows, NULL, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, (size_t)n * sizeof(*x));
    model_close(&second);
    model_open(&second);
    assert_true(answer(&second, rows, &kept, &c) >= rows->n);
    assert_string_equal(a, c);
    model_close(&second);
    model_open(&second);
    assert_int_equal(answer(&second, rows, &other, NULL), 0); /* another model */
    model_close(&second);
    model_open(&second);
    const struct wn_kept reads = kept_by(1, false);
    assert_int_equal(answer(&second, changed, &reads, NULL), 0); /* another row */
    model_close(&second);
    model_close(&fresh);
    assert_int_equal(entries(NULL), 1);
    free(a);
    free(b);
    free(c);
    free(x);
    free(y);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&changed);
    empty_folder();
}

static void write_file(const char *name, const uint8_t *data, size_t n)
{
    FILE *f = fopen(name, "wb");

    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

/* Damaged in every way: it counts as not there, is gone, and the answer is the right one. */
static void damaged(void **state)
{
    const struct wn_kept kept = kept_by(1, true), reads = kept_by(1, false);
    struct model m;
    char name[512], *right = NULL;

    (void)state;
    model_open(&m);
    struct wn_rows *rows = make_rows(&m.info, 1);
    answer(&m, rows, &kept, &right);
    assert_int_equal(entries(name), 1);
    FILE *f = fopen(name, "rb");
    uint8_t *data = malloc(16 << 20);
    const size_t size = fread(data, 1, 16 << 20, f);
    fclose(f);
    for (int i = 0; i < 24; i++) {
        const size_t at = (size / 24 * (size_t)i + (size_t)i * 7) % size;
        if (i % 3 == 0) {
            write_file(name, data, at);
        } else {
            data[at] ^= 1u << i % 8;
            write_file(name, data, size);
            data[at] ^= 1u << i % 8;
        }
        char *text = NULL;
        model_close(&m);
        model_open(&m);
        assert_int_equal(answer(&m, rows, &reads, &text), 0);
        assert_string_equal(text, right);
        assert_int_equal(entries(NULL), 0);
        free(text);
    }
    free(data);
    free(right);
    wn_rows_destroy(&rows);
    model_close(&m);
}

/* Sound by its checksums, but not what the model wrote: llama.cpp refuses it, nothing is lost. */
static void forged(void **state)
{
    const struct wn_kept kept = kept_by(1, true), reads = kept_by(1, false);
    struct wn_cache_reader *from = NULL;
    struct wn_cache_writer *to = NULL;
    struct wn_bytes head = {0}, body = {0};
    struct model m;
    char name[512], *right = NULL, *text = NULL;
    struct wn_key key = {0};
    uint32_t tag[2];

    (void)state;
    model_open(&m);
    struct wn_rows *rows = make_rows(&m.info, 1);
    answer(&m, rows, &kept, &right);
    entries(name);
    assert_int_equal(sscanf(strrchr(name, '/') + 1, "%16llx%16llx", (unsigned long long *)&key.high,
                            (unsigned long long *)&key.low), 2);
    assert_int_equal(wn_cache_find(&from, folder, &key), WN_OK);
    assert_int_equal(wn_cache_next(from, &tag[0], &head), WN_OK);
    assert_int_equal(wn_cache_next(from, &tag[1], &body), WN_OK);
    wn_cache_close(&from);
    const size_t size = body.n;
    for (int i = 0; i < 4; i++) {
        body.n = size / 4 * (size_t)i; /* the head counts it so */
        memcpy(head.data + 8, &(int64_t){(int64_t)body.n}, 8);
        assert_int_equal(wn_cache_create(&to, folder, &key, "prompt"), WN_OK);
        wn_cache_put(to, tag[0], &head);
        wn_cache_put(to, tag[1], &body);
        assert_int_equal(wn_cache_commit(&to, 64 << 20), WN_OK);
        model_close(&m);
        model_open(&m);
        assert_int_equal(answer(&m, rows, &reads, &text), 0);
        assert_string_equal(text, right);
        free(text);
        text = NULL;
    }
    wn_bytes_finish(&head);
    wn_bytes_finish(&body);
    free(right);
    wn_rows_destroy(&rows);
    model_close(&m);
    empty_folder();
}

static void no_room(void **state)
{
    struct wn_kept kept = kept_by(1, true);
    struct model m;

    (void)state;
    model_open(&m);
    struct wn_rows *rows = make_rows(&m.info, 1);
    kept.most_bytes = 1000;
    answer(&m, rows, &kept, NULL);
    assert_int_equal(entries(NULL), 0);
    wn_rows_destroy(&rows);
    model_close(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_numbers),
        cmocka_unit_test(damaged),
        cmocka_unit_test(forged),
        cmocka_unit_test(no_room),
    };

    if (argc < 2) {
        fprintf(stderr, "llm_kept MODEL.gguf\n");
        return 77;
    }
    path = argv[1];
    snprintf(folder, sizeof(folder), "/tmp/winnow-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
