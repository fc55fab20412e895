/* SPDX-License-Identifier: MIT */
/* The run itself: harness.c, bench.c and main.c. */
#ifndef KT_RUN_H
#define KT_RUN_H

#include "harness.h"

enum { KT_GUARD = 16 }; /* words behind every buffer */
enum { KT_MAX_CASE = 32 };

struct kt_buffer {
    int64_t n; /* elements without the guard */
    uint32_t *data;
};

struct kt {
    uint64_t seed, state;
    const struct wn_kernel *kernel;
    struct wn_pool *pool;
    struct wn_backend *vulkan; /* or NULL */
    struct wn_log log;
    struct kt_buffer buffer[KT_MAX_CASE]; /* of the case */
    int n_buffers;
    int passed, failed;
    int checked; /* of this kernel */
    bool json, first; /* benches */
    double read_rate; /* bytes a second */
};

struct kt_buffer *kt_buffer_of(struct kt *kt, const void *data); /* aborts for strangers */
void kt_free_case(struct kt *kt);
/* One call of the kernel as a plan. outputs: where the contents of all its buffers go, with the
 * guards; poison: what results hold before. */
int kt_run_plan(struct kt *kt, const void *params, void *const *buf, uint32_t *const *outputs,
                bool poison);

/* Copy and read rates of this machine, printed. */
void kt_bench_start(struct kt *kt);
void kt_bench_end(struct kt *kt);

#endif
