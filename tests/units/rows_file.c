/* SPDX-License-Identifier: MIT */
/* Rows from a file: a sound one is taken as it is, each lie is named, and no bytes break anything.
 *
 * Built with -DWN_LIBFUZZER it is a libFuzzer target (clang -fsanitize=fuzzer,address). Without, it
 * makes its own bad files from a sound one, as many as argv[1] says. */
#define _GNU_SOURCE /* memfd_create() */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/rows_file.h"
#include "samples/winnow/safetensors.h"

#define N 5
#define FRAMES 3
#define DIM 4
#define VOCAB 100

static const struct wn_rows_want want_plain = {.dim = DIM, .n_vocab = VOCAB};
static const struct wn_rows_want want_mrope = {.dim = DIM, .n_vocab = VOCAB, .mrope = true};

/* ---- what must hold of rows that were taken ---- */

static const char *broken(const struct wn_rows_file *file, const struct wn_rows_want *want)
{
    const struct wn_rows *r = file->rows, *b = file->before;

    if (r->dim != want->dim || r->n < 1 || r->frame_ptr[r->n_frames] != r->n)
        return "rows and frames";
    if (b->n_frames != r->n_frames || b->frame_ptr[b->n_frames] != b->n || !(file->duration >= 0))
        return "frames before";
    for (int32_t f = 0; f < r->n_frames; f++) {
        const struct wn_layout *l = r->frames[f].layout;
        if (!l || l->n_rows != b->frame_ptr[f + 1] - b->frame_ptr[f] || !l->mpos == want->mrope)
            return "a layout";
        for (int32_t p = 0; p < l->n_parts; p++)
            for (int32_t k = 0; k < l->parts[p].n_tokens; k++)
                if (l->parts[p].tokens[k] < 0 || l->parts[p].tokens[k] >= want->n_vocab)
                    return "a token";
        for (int32_t i = r->frame_ptr[f]; i < r->frame_ptr[f + 1]; i++)
            if (r->cell[i] < 0 || r->cell[i] >= l->n_rows)
                return "a cell";
    }
    for (int64_t i = 0; i < (int64_t)r->n * r->dim; i++)
        if (!isfinite(r->data[i]))
            return "a number";
    for (int32_t k = 0; k < r->w.ptr[r->n]; k++)
        if (r->w.idx[k] < 0 || r->w.idx[k] >= b->n)
            return "a source";
    return NULL;
}

/* WN_OK or the error; what was taken is checked. */
static int try_bytes(const void *data, size_t n, const struct wn_rows_want *want, char why[1024])
{
    const int fd = memfd_create("rows", MFD_CLOEXEC);
    struct wn_rows_file file;
    struct wn_log log;
    char path[64];

    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    wn_log_init(&log);
    log.level = WN_LOG_ERROR;
    const int err = wn_rows_file_read(&file, path, want, &log);
    if (why)
        snprintf(why, 1024, "%s", log.last_error);
    if (!err) {
        const char *what = broken(&file, want);
        if (what) {
            fprintf(stderr, "taken with bad %s\n", what);
            abort();
        }
        wn_rows_destroy(&file.rows);
        wn_rows_destroy(&file.before);
    }
    wn_log_finish(&log);
    close(fd);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    try_bytes(data, n, &want_plain, NULL);
    try_bytes(data, n, &want_mrope, NULL);
    return 0;
}

#ifndef WN_LIBFUZZER

/* ---- a sound file ---- */

struct tensors {
    float embeds[N][DIM], score[N], weight[N];
    int32_t pos[4][N], frame[N], cell[N];
    int16_t row[N], col[N];
    double time[FRAMES];
    int64_t number[FRAMES], row0[FRAMES + 1], ptr[N + 1], idx[N];
    int32_t scene[FRAMES], grid[FRAMES][2], part[FRAMES][6], glue[FRAMES];
};

/* Three frames of 2 x 2, two, none and three rows of which are left. Rows of a frame need not stand
 * in order: the last two have changed places. */
static struct tensors sound(bool mrope)
{
    static const int32_t frame[N] = {0, 0, 2, 2, 2}, cell[N] = {1, 2, 0, 3, 2};
    struct tensors t = {.pos = {{0, 1, 2, 4, 3}}};

    for (int i = 0; i < N; i++) {
        for (int c = 0; c < DIM; c++)
            t.embeds[i][c] = (float)(i - c);
        t.frame[i] = frame[i];
        t.cell[i] = cell[i];
        t.row[i] = (int16_t)(cell[i] / 2);
        t.col[i] = (int16_t)(cell[i] % 2);
        t.ptr[i + 1] = i + 1;
        t.idx[i] = 4 * frame[i] + cell[i];
        t.weight[i] = 1;
        for (int s = 0; mrope && s < 4; s++)
            t.pos[s][i] = frame[i] + (s == 1) * t.row[i] + (s == 2) * t.col[i];
    }
    for (int f = 0; f < FRAMES; f++) {
        t.time[f] = f;
        t.number[f] = 10 * f;
        t.row0[f + 1] = 4 * f + 4;
        t.grid[f][0] = t.grid[f][1] = 2;
        memcpy(t.part[f], (int32_t[]){f, 0, 4, mrope ? 2 : 4, 0, 1}, sizeof(t.part[f]));
        t.glue[f] = 7;
    }
    return t;
}

static size_t file_of(const struct tensors *t, bool mrope, const char *without, uint8_t **out)
{
    const struct {
        struct st_entry entry;
        const void *data;
        size_t bytes;
    } all[] = {
#define T1(name, type, field, n) {{name, type, 1, {n}}, t->field, sizeof(t->field)}
        T1("frame_t_s", "F64", time, FRAMES),  T1("frame_number", "I64", number, FRAMES),
        T1("frame_row0", "I64", row0, FRAMES + 1), T1("source_csr_ptr", "I64", ptr, N + 1),
        T1("source_csr_idx", "I64", idx, N),   T1("source_csr_w", "F32", weight, N),
        T1("frame", "I32", frame, N),          T1("cell", "I32", cell, N),
        T1("score", "F32", score, N),          T1("frame_scene", "I32", scene, FRAMES),
        T1("part_tokens", "I32", glue, FRAMES), T1("row", "I16", row, N),
        T1("col", "I16", col, N),
#undef T1
        {{"embeds", "F32", 2, {N, DIM}}, t->embeds, sizeof(t->embeds)},
        {{"frame_grid", "I32", 2, {FRAMES, 2}}, t->grid, sizeof(t->grid)},
        {{"part", "I32", 2, {FRAMES, 6}}, t->part, sizeof(t->part)},
        {{"pos", "I32", mrope ? 2 : 1, {mrope ? 4 : N, N}}, t->pos,
         sizeof(t->pos[0]) * (mrope ? 4 : 1)},
    };
    static const char *const meta[] = {"schema", "winnow-rows/1", "linear",     "true",
                                       "video",  "true",          "duration_s", "3.5", NULL};
    struct st_entry entries[WN_LEN(all)];
    char path[] = "/tmp/winnow-test-XXXXXX", why[300];
    struct st_writer *w = NULL;
    int n = 0;

    close(mkstemp(path));
    for (int i = 0; i < WN_LEN(all); i++)
        if (!without || strcmp(all[i].entry.name, without))
            entries[n++] = all[i].entry;
    if (st_write_begin(&w, path, entries, n, meta, why, sizeof(why)))
        abort();
    for (int i = 0; i < WN_LEN(all); i++)
        if (!without || strcmp(all[i].entry.name, without))
            st_write_data(w, all[i].data, all[i].bytes);
    if (st_write_end(&w))
        abort();
    FILE *f = fopen(path, "rb");
    *out = malloc(1 << 16);
    const size_t size = fread(*out, 1, 1 << 16, f);
    fclose(f);
    remove(path);
    return size;
}

/* ---- lies ---- */

static int failures, tests;

static void expect(bool good, const char *what, const char *why)
{
    tests++;
    if (good)
        return;
    failures++;
    printf("failed: %s: %s\n", what, why);
}

/* Words of the sentence for a file that is sound but for this. */
static void refused(const struct tensors *t, bool mrope, const char *words)
{
    uint8_t *data;
    char why[1024];
    const size_t n = file_of(t, mrope, NULL, &data);
    const int err = try_bytes(data, n, mrope ? &want_mrope : &want_plain, why);

    expect(err < 0 && strstr(why, words), words, err ? why : "taken");
    free(data);
}

#define LIE(mrope, change, words)          \
    do {                                   \
        struct tensors t = sound(mrope);   \
        t.change;                          \
        refused(&t, mrope, words);         \
    } while (0)

static void lies(void)
{
    LIE(false, embeds[4][3] = NAN, "row 4 holds numbers that are not finite");
    LIE(false, embeds[0][0] = -INFINITY, "row 0 holds numbers");
    LIE(false, score[2] = NAN, "row 2 holds numbers");
    LIE(false, pos[0][2] = 7, "row 2 does not stand right behind");
    LIE(false, pos[0][0] = 1, "row 0 does not stand");
    LIE(true, pos[0][1] = 2, "row 1 stands outside the positions");
    LIE(true, pos[1][3] = -2, "row 3 stands outside the positions");
    LIE(true, pos[2][3] = INT32_MAX, "row 3 stands outside the positions");
    LIE(false, frame[3] = 1, "row 3 is of frame 1, out of order");
    LIE(false, frame[4] = 3, "row 4 is of frame 3");
    LIE(false, frame[0] = -1, "row 0 is of frame -1");
    LIE(false, cell[1] = 4, "row 1 stands for row 4 of its frame, which has 4");
    LIE(false, cell[1] = INT32_MIN, "row 1 stands for row");
    LIE(false, col[0] = 2, "row 0 stands at 0, 2, outside");
    LIE(false, row[0] = -1, "row 0 stands at -1, 1");
    LIE(false, time[1] = NAN, "frame 1 has no time");
    LIE(false, time[2] = -1, "frame 2 has no time");
    LIE(false, row0[0] = 1, "does not begin with row 0");
    LIE(false, row0[1] = 9, "frame 1 has -1 rows");
    LIE(false, row0[3] = INT64_MAX, "frame 2 has");
    LIE(false, grid[1][1] = -5, "frame 1 has a grid of -5");
    LIE(false, ptr[2] = 9, "sources of row 1 are out of order");
    LIE(false, ptr[5] = 4, "do not begin and end");
    LIE(false, idx[3] = 12, "source 3 is row 12 of 12");
    LIE(false, weight[3] = INFINITY, "source 3 is");
    LIE(false, part[0][2] = 5, "part 0 lies outside its frame");
    LIE(false, part[0][1] = -1, "part 0 lies outside its frame");
    LIE(false, part[1][3] = -1, "part 1 moves by no sensible number");
    LIE(false, part[2][5] = 9, "part 2 has tokens that are not there");
    LIE(false, part[2][5] = -1, "part 2 has tokens that are not there");
    LIE(false, part[0][0] = 1, "belongs to no part");
    LIE(false, part[2][0] = 3, "belongs to no part");
    LIE(false, part[1][0] = 0, "part 1 lies outside its frame");
    LIE(false, glue[1] = VOCAB, "part 1 has a token that this model does not know");
    LIE(false, glue[1] = -1, "part 1 has a token that this model does not know");
}

static void taken(bool mrope)
{
    const struct tensors t = sound(mrope);
    char why[1024], what[80];
    uint8_t *data;
    size_t n = file_of(&t, mrope, NULL, &data);

    const int err = try_bytes(data, n, mrope ? &want_mrope : &want_plain, why);
    expect(!err, "a sound file", why);
    expect(try_bytes(data, n, mrope ? &want_plain : &want_mrope, why) && strstr(why, "M-RoPE"),
           "positions of the other kind", why);
    const struct wn_rows_want wide = {.dim = DIM + 1, .n_vocab = VOCAB, .mrope = mrope};
    expect(try_bytes(data, n, &wide, why) && strstr(why, "width 4"), "another width", why);
    free(data);
    static const char *const name[] = {"embeds", "pos", "frame", "cell", "part", "frame_t_s",
                                       "source_csr_idx", "part_tokens", "row", "frame_row0"};
    for (int i = 0; i < WN_LEN(name); i++) {
        n = file_of(&t, mrope, name[i], &data);
        snprintf(what, sizeof(what), "without %s", name[i]);
        expect(try_bytes(data, n, mrope ? &want_mrope : &want_plain, why) < 0, what, "taken");
        free(data);
    }
    n = file_of(&t, mrope, "score", &data);
    expect(!try_bytes(data, n, mrope ? &want_mrope : &want_plain, why), "without scores", why);
    free(data);
}

/* ---- bytes ---- */

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void mutate(bool mrope, int rounds)
{
    const struct tensors t = sound(mrope);
    uint8_t *data, *copy = malloc(1 << 16);
    const size_t size = file_of(&t, mrope, NULL, &data);
    uint32_t seed = 1;
    int took = 0;

    for (int i = 0; i < rounds; i++) {
        size_t n = size;
        memcpy(copy, data, size);
        for (uint32_t k = 0, m = 1 + next(&seed) % 3; k < m; k++)
            copy[next(&seed) % n] = (uint8_t)(next(&seed) % 3 ? next(&seed) : 0x80);
        if (next(&seed) % 8 == 0)
            n = next(&seed) % n;
        took += !try_bytes(copy, n, mrope ? &want_mrope : &want_plain, NULL);
    }
    /* Bytes that nothing depends on (scores, weights) may change; most must not. */
    expect(took > 0 && took < rounds / 2, "changed bytes", took ? "mostly taken" : "never taken");
    free(copy);
    free(data);
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;

    lies();
    taken(false);
    taken(true);
    mutate(false, rounds);
    mutate(true, rounds);
    printf("%d of %d checks failed\n", failures, tests);
    return failures != 0;
}

#endif
