/* SPDX-License-Identifier: MIT */
/* A plan: kernel calls over named buffers, recorded once and run on any backend unchanged.
 *
 * Errors are sticky: after the first one every call does nothing and wn_plan_error() tells.
 * Barriers come from the kernels' access lists. Buffers whose lives do not overlap may share
 * memory. Not thread-safe. */
#ifndef WN_PLAN_H
#define WN_PLAN_H

#include "kernel.h"

typedef int32_t wn_buf; /* of one plan; WN_NONE: no buffer */

#define WN_MAX_BUFFER_BYTES ((size_t)128 << 20) /* what every Vulkan device can bind */

struct wn_plan;

int wn_plan_create(struct wn_plan **out);
void wn_plan_destroy(struct wn_plan **plan);

/* n elements of 4 bytes. `input`: copied from data when the plan runs, so data must live until
 * then. `owned`: like input, but the plan copies data now (small tables). `temp`: not set. */
wn_buf wn_plan_input(struct wn_plan *plan, const char *name, const void *data, int64_t n);
wn_buf wn_plan_owned(struct wn_plan *plan, const char *name, const void *data, int64_t n);
wn_buf wn_plan_temp(struct wn_plan *plan, const char *name, int64_t n);
/* After the run, buf's n elements are copied to data, which must hold what the buffer does. */
void wn_plan_output(struct wn_plan *plan, wn_buf buf, void *data);

/* A call of the host's (wn_kernel.host) that reads nothing but inputs is made now, and what it
 * writes becomes inputs. */
void wn_plan_call(struct wn_plan *plan, const struct wn_kernel *kernel, const void *params,
                  const wn_buf *bufs);
void wn_plan_fail(struct wn_plan *plan, int err, const char *fmt, ...) WN_PRINTF(3, 4);
int wn_plan_error(const struct wn_plan *plan, const char **why); /* WN_OK or the first error */

/* For backends. */
struct wn_plan_buffer {
    char name[24];
    int64_t n;
    const void *input;  /* or NULL */
    void *output;       /* or NULL */
    void *own;          /* copy that the plan owns, then input == own */
    int32_t first, last; /* calls that touch it first and last; output keeps it to the end */
};
struct wn_plan_call {
    const struct wn_kernel *kernel;
    uint32_t params[32];
    wn_buf buf[WN_MAX_BUFS];
};
const struct wn_plan_buffer *wn_plan_buffers(const struct wn_plan *plan, int *n);
const struct wn_plan_call *wn_plan_calls(const struct wn_plan *plan, int *n);
/* Graphviz text, freed by the caller. */
char *wn_plan_dump(const struct wn_plan *plan);

/* ---- backends ---- */

struct wn_backend {
    const char *name; /* "cpu" or the device's name */
    int (*run)(struct wn_backend *backend, const struct wn_plan *plan);
    void (*destroy)(struct wn_backend *backend);
};

enum wn_cpu_path { WN_CPU_AUTO, WN_CPU_REF }; /* REF: reference functions only, for tests */
int wn_backend_cpu(struct wn_backend **out, struct wn_pool *pool, enum wn_cpu_path path,
                   struct wn_log *log);
/* device: part of a name, "vulkan" for the best real GPU; software devices only when named (part
 * of "llvmpipe", or "software"). WN_ERR_UNSUPPORTED with a sentence when there is none, or when its
 * arithmetic fails the self-test. cache_dir NULL: no pipeline cache on disk. */
int wn_backend_vulkan(struct wn_backend **out, const char *device, const char *cache_dir,
                      struct wn_log *log);
void wn_backend_destroy(struct wn_backend **backend);
int wn_vulkan_devices(struct wn_device_info *out, int max);
/* Device time of the last run, nanoseconds a call, where timestamps work: n filled. For benches. */
int wn_vulkan_times(struct wn_backend *backend, int64_t *ns, int max);

#endif
