/* SPDX-License-Identifier: MIT */
/* Random chains over random rows: the same bits whatever runs them, W rebuilds the rows, counts add
 * up.
 *
 *     compress_chains [DEVICE]      a Vulkan device to compare with; none: CPU paths only */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/units/compress_make.h"

static const char *const menu[] = {
    "vtc_cls=keep=7:layer=3", "vtc_cls=keep=0.5", "vtc_cls=keep=0.3:per=segment",
    "fastervlm=keep=9", "fastervlm=keep=1e9", "fastervlm=keep=0.4:per=segment",
    "visionzip=keep=5:merge=3", "visionzip=keep=0.2:merge=0.3", "visionzip=keep=1:merge=1e9",
    "visionzip=keep=0:merge=2", "visionzip=keep=6:merge=0",
    "dycoke", "dycoke=keep=0.7:order=paper", "dycoke=ratio=0.9:compat=released", "dycoke=keep=3",
    "evs=keep=0.5", "evs=q=0.9", "evs=rate=0.25", "evs=keep=11",
    "pool=stride=3", "pool=size=2", "pool=size=3", "pool=stride=1", "pool=stride=100",
    "pool=rows=2:columns=3", "pool=rows=5", "videogpt_plus=context=3:video=2",
    "videogpt_plus=context=9:video=0", "llava_scissor=tau=0.3", "llava_scissor=tau=-1",
    "llava_scissor=tau=0.5:per=frame",
    "sttm=threshold=0.3:temporal=0.2", "sttm=threshold=0:temporal=0:root=0:weighted_avg=1:slow=1",
    "sttm=threshold=-1:temporal=-1:root=0:compat=released",
    "sttm=threshold=0.5:temporal=0.1:slow=1:compat=released", "holitom=keep=0.3",
    "ts_llava=keep=0.4",
    "ts_llava=keep=3", "kffocus_like=keep=0.4", "kffocus_like=keep=30:keys=2:other=0",
    "fastvid=keep=0.5", "fastvid=keep=9:segments=2:tau=-1:step=2:context=0.7",
    "fastvid=keep=0.3:segments=1:tau=-2:step=1:beta=0.1:k=1",
    "holitom=keep=0.5:tau=-0.2:beta=0.3", "holitom=keep=12:tau=-1:order=paper:k=2:window=3",
    "divprune=keep=0.3", "divprune=keep=6:order=paper", "divprune=keep=1e9:order=paper",
    "cdpruner=keep=5:relevance=score", "cdpruner=keep=0.4", "cdpruner=keep=1e9:order=paper",
    "dpc", "dpc=keep=3:order=paper", "dpc=keep=0.2:k=1", "chatunivi=keep=0.5:order=paper",
    "chatunivi=keep=9:second=4:third=2", "chatunivi=keep=7:second=1e9:third=0:k=16",
    "prunevid", "prunevid=tau=0.3:order=paper:keep=0.3", "prunevid=tau=-1:segments=1",
    "prunevid=segments=1e9:tau=0.1:k=1", "longvu", "longvu=threshold=0.1:chunk=3:most=40",
    "longvu=threshold=1:most=1", "dcode=keep=9:threshold=0.5",
    "dcode=keep=0.7:threshold=0.2:merge=max:order=paper",
    "dcode=threshold=0:merge=weighted_mean:compat=released",
    "mustdrop_spatial=threshold=0.1:window=2", "mustdrop_spatial=threshold=-1:window=3:order=paper",
    "malmm=length=1", "malmm=length=3", "malmm=length=6",
    "prumerge", "prumerge=plus=1:k=3:order=paper", "prumerge=keep=0.3:k=64",
    "prumerge=keep=1e9:k=0", "prumerge=keep=2:order=paper:plus=1",
    "tome", "tome=keep=0.2", "tome=keep=5:order=paper", "tome=r=3:compat=released:order=paper",
    "diffrate", "diffrate=keep=9:prune=0.7:order=paper", "diffrate=keep=0:compat=released",
    "diffrate=keep=0.2:prune=1e9:compat=released:order=paper",
    "tempme", "tempme=keep=0.3:frames=3", "tempme=keep=2", "tempme=frames=1:order=paper:across=1",
    "tempme=across=0:within=0.5", "tempme=frames=64:within=0",
    "ficoco_v", "ficoco_v=keep=7:window=3:order=paper", "ficoco_v=r=5:beta=1",
    "ficoco_v=keep=0.6:beta=0", "ficoco_v=keep=0",
    "tome=every=3:r=1000", "tome=keep=0:every=5",
    "stride=keep=0.5", "stride=keep=5", "stride=keep=0",
    "repeat_cls", "repeat_cls=tau=0.2:k=1", "repeat_cls=tau=-0.5:k=63",
    "vtc_cls=keep=0.9,scores=keep=3", "divprune=keep=0.8,scores=per=segment:keep=0.5",
    "globalcom2", "globalcom2=keep=6:order=paper", "globalcom2=compat=released:keep=0.4",
    "hired", "hired=keep=9:compat=released", "hired=keep=0.5:newline=keep:alpha=0.1",
    "vispruner=keep=0.4", "vispruner=keep=7:important=0:step=1", "vispruner=keep=1e9:important=1",
    "sparsevlm_merge", "sparsevlm_merge=noise=lot:seed=3:order=paper:keep=4",
    "sparsevlm_merge=noise=score:keep=0.3:k=2",
    "sparsevlm=keep=0.3", "sparsevlm=keep=3:recycle=0.9:k=2",
    "divprune=keep=0.9,sparsevlm=by=score",
    "random=keep=0.5:seed=3", "random=keep=4", "random=keep=0.2:per=segment:seed=9",
};

/* Whether a filter of the item, which may be a chain itself, stands in the chain. */
static bool stands_in(const char *text, const char *item)
{
    for (const char *at = item; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char name[32];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "=,"), at);
        if (strstr(text, name))
            return true;
    }
    return false;
}

/* One to four filters, none of them twice. */
static void random_chain(struct lot *lot, char *text, size_t size)
{
    const int n = 1 + lot_below(lot, 4);

    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        const char *item = menu[lot_below(lot, WN_LEN(menu))];
        const size_t at = strlen(text);
        if (!stands_in(text, item))
            snprintf(text + at, size - at, "%s%s", at ? "," : "", item);
    }
}

static struct make random_shape(struct lot *lot)
{
    static const int32_t dims[] = {1, 5, 16, 64, 100, 131};

    return (struct make){
        .seed = lot_next(lot),
        .n_frames = 1 + lot_below(lot, 11),
        .grid_h = 1 + lot_below(lot, 6),
        .grid_w = 1 + lot_below(lot, 7),
        .dim = dims[lot_below(lot, WN_LEN(dims))],
        .cls = lot_below(lot, 2),
        .received = lot_below(lot, 3) == 0,
        .keys = lot_below(lot, 4) != 0,
        .attn = true,
        .mixed = lot_below(lot, 4) == 0,
        .kind = (enum data_kind)lot_below(lot, 6),
    };
}

static int failures;

static void fail(int turn, const char *text, const struct make *m, const char *who,
                 const char *what)
{
    printf("turn %d: %s: %s: %s differs (%d frames of %dx%d%s, dim %d, kind %d)\n", turn, text, who,
           what, m->n_frames, m->grid_h, m->grid_w, m->cls ? "+1" : "", m->dim, m->kind);
    failures++;
}

/* Each row is the sum that W says, up to rounding. */
static bool rebuilds(const struct wn_rows *before, const struct wn_rows *after)
{
    for (int32_t r = 0; after->w.ptr && after->w.linear && r < after->n; r++) {
        for (int32_t c = 0; c < after->dim; c++) {
            double sum = 0, size = 0;
            for (int32_t k = after->w.ptr[r]; k < after->w.ptr[r + 1]; k++) {
                const double part = (double)after->w.weight[k] *
                                    before->data[(int64_t)after->w.idx[k] * before->dim + c];
                sum += part;
                size += fabs(part);
            }
            if (fabs(sum - after->data[(int64_t)r * after->dim + c]) > 1e-5 * size + 1e-37)
                return false;
        }
    }
    return after->w.ptr || after->n == before->n;
}

/* Counts, cells and pointers fit together. */
static const char *broken(const struct wn_rows *before, const struct wn_rows *after)
{
    if (after->frame_ptr[0] != 0 || after->frame_ptr[after->n_frames] != after->n)
        return "frame_ptr's end";
    if (after->w.ptr && (after->w.n != after->n || after->w.n_src != before->n))
        return "W's size";
    for (int32_t f = 0; f < after->n_frames; f++) {
        if (after->frame_ptr[f] >= after->frame_ptr[f + 1])
            return "a frame without rows";
        for (int32_t i = after->frame_ptr[f]; i < after->frame_ptr[f + 1]; i++) {
            const int32_t k = after->w.ptr ? after->w.idx[after->w.ptr[i]] : i;
            const int32_t src = wn_rows_frame_of(before, k);
            if (before->frames[src].index != after->frames[f].index)
                return "a row's frame";
            if (before->cell[k] != after->cell[i])
                return "a row's cell";
        }
    }
    return NULL;
}

struct runner {
    const char *name;
    struct wn_backend *backend;
    struct wn_pool *pool;
};

static void check(int turn, const struct runner *runner, int n, struct lot *lot, struct wn_log *log)
{
    const struct make m = random_shape(lot);
    struct wn_rows *before = make_rows(&m), *first = NULL;
    const char *what;
    char text[512];

    random_chain(lot, text, sizeof(text));
    for (int i = 0; i < n; i++) {
        struct wn_rows *after = copy_rows(before);
        if (run_chain(&after, text, m.cls, runner[i].backend, log) < 0) {
            fail(turn, text, &m, runner[i].name, log->last_error);
            break;
        }
        if (!first) {
            what = broken(before, after);
            if (what)
                fail(turn, text, &m, runner[i].name, what);
            if (!rebuilds(before, after))
                fail(turn, text, &m, runner[i].name, "what W rebuilds");
            first = after;
        } else {
            if (!same_rows(first, after, &what))
                fail(turn, text, &m, runner[i].name, what);
            wn_rows_destroy(&after);
        }
    }
    wn_rows_destroy(&first);
    wn_rows_destroy(&before);
}

int main(int argc, char **argv)
{
    struct runner runner[5] = {{.name = "ref"}, {.name = "1 thread"}, {.name = "2 threads"},
                               {.name = "8 threads"}, {.name = argv[argc - 1]}};
    const int threads[4] = {1, 1, 2, 8}, n = argc > 1 ? 5 : 4, turns = argc > 1 ? 150 : 400;
    struct lot lot = {20};
    struct wn_log log;

    wn_log_init(&log);
    for (int i = 0; i < 4; i++) {
        if (wn_pool_create(&runner[i].pool, threads[i]) ||
            wn_backend_cpu(&runner[i].backend, runner[i].pool, i ? WN_CPU_AUTO : WN_CPU_REF, &log))
            return 1;
    }
    if (argc > 1 && wn_backend_vulkan(&runner[4].backend, argv[1], NULL, &log) < 0) {
        printf("skipped: %s\n", log.last_error);
        return 77;
    }
    for (int turn = 0; turn < turns; turn++)
        check(turn, runner, n, &lot, &log);
    for (int i = 0; i < n; i++) {
        wn_backend_destroy(&runner[i].backend);
        wn_pool_destroy(&runner[i].pool);
    }
    wn_log_finish(&log);
    printf("%d chains on %d paths, %d failures\n", turns, n, failures);
    return failures != 0;
}
