/* SPDX-License-Identifier: MIT */
/* What compress/ offers: the chain's token filters over one segment, and the budget over all. */
#ifndef WN_COMPRESSOR_H
#define WN_COMPRESSOR_H

#include "encoder.h"
#include "filter.h"

struct wn_compressor;

/* Where filters run besides the CPU, for all who share it: opened when the first one asks. device
 * and cache_dir as below. */
struct wn_device;
int wn_device_create(struct wn_device **out, const char *device, const char *cache_dir,
                     struct wn_log *log);
struct wn_device *wn_device_ref(struct wn_device *device);
void wn_device_unref(struct wn_device **device);

struct wn_compressor_params {
    struct wn_instance **filters; /* token filters without `budget`, borrowed */
    int n_filters;
    struct wn_device *shared; /* NULL: one of its own, by the next two */
    const char *device;    /* as in wn_params */
    const char *cache_dir; /* of the pipeline cache and what `auto` measured; NULL: none */
    struct wn_pool *pool;
    struct wn_log *log;
};
int wn_compressor_create(struct wn_compressor **out, const struct wn_compressor_params *params);
void wn_compressor_destroy(struct wn_compressor **compressor);

/* Adds what the filters need of an encoder with these properties; fails with a sentence where a
 * need cannot be met and nothing stands in. Before the first run: it tells the filters whether rows
 * of the CLS token are among the rows. */
int wn_compressor_needs(struct wn_compressor *compressor, const struct wn_encoder_info *info,
                        struct wn_needs *needs);
/* Every number of rows is one that filters can use, or a sentence names frame and token. Best while
 * what an encoder just made is still in the processor's cache: wn_compressor_run() checks what
 * nobody did. */
int wn_compressor_check(struct wn_compressor *compressor, struct wn_rows *rows);
/* One segment: takes *in (also on failure) and gives what is left of it. No filters: *in itself. */
int wn_compressor_run(struct wn_compressor *compressor, struct wn_rows **in, struct wn_rows **out);
const char *wn_compressor_device(const struct wn_compressor *compressor); /* that ran last */

/* The filters at the encoder place, for an encoder with these properties; fails with a sentence
 * where it has none. Same parameters as of a compressor. */
int wn_reducer_create(struct wn_reducer **out, const struct wn_compressor_params *params,
                      const struct wn_encoder_info *info);

/* `budget`: at most `cells` KV cells over all segments, online. Visual rows and `frame_cells(arg,
 * frame)` of every frame that keeps a row count. A new segment evicts the lowest scores; rows
 * without scores thin out evenly; each segment keeps at least `floor` rows while they fit. */
struct wn_budget;
struct wn_budget_params {
    int64_t cells;
    int32_t floor;
    int64_t (*frame_cells)(void *arg, const struct wn_row_frame *frame);
    void *arg;
    struct wn_log *log;
};
int wn_budget_create(struct wn_budget **out, const struct wn_budget_params *params);
int wn_budget_add(struct wn_budget *budget, struct wn_rows **rows); /* one segment; takes it */
int wn_budget_take(struct wn_budget *budget,
                   struct wn_rows **out); /* in order; WN_EOF at the end */
void wn_budget_destroy(struct wn_budget **budget);
/* Reads the options of a `budget` instance. */
void wn_budget_options(const struct wn_instance *instance, int64_t *tokens, int32_t *floor);

/* Measures filters and the machine under them: see wn_bench_compress() and wn_bench_machine(). */
struct wn_bench_rig;
int wn_bench_rig_create(struct wn_bench_rig **out, const struct wn_compressor_params *params);
void wn_bench_rig_destroy(struct wn_bench_rig **rig);
int wn_bench_rig_machine(struct wn_bench_rig *rig, struct wn_bench_machine *out);
/* shape: no field 0. */
int wn_bench_rig_run(struct wn_bench_rig *rig, struct wn_instance **filters, int n_filters,
                     int64_t window, const struct wn_bench_params *shape, struct wn_bench *out);

/* The Vulkan devices and the CPU, see wn_devices(). */
int wn_compress_devices(struct wn_device_info *out, int max);

#endif
