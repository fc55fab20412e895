/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wn_device {
    atomic_int refs;
    pthread_mutex_t lock; /* of all that follows */
    struct wn_backend *gpu; /* NULL: none, or not looked for yet */
    bool automatic, looked;
    int opens;
    char *want, *cache_dir; /* want NULL: a CPU */
    struct wn_log *log;
    struct wn_log quiet;    /* of a GPU that nobody named: its absence is not worth a message */
};

int wn_device_create(struct wn_device **out, const char *device, const char *cache_dir,
                     struct wn_log *log)
{
    struct wn_device *d = wn_calloc(1, sizeof(*d));
    const bool cpu = device && !strcmp(device, "cpu");

    if (!d)
        return wn_nomem(log, "the device");
    atomic_init(&d->refs, 1);
    pthread_mutex_init(&d->lock, NULL);
    wn_log_init(&d->quiet);
    d->quiet.level = 0;
    d->log = log;
    d->automatic = !device || !*device || !strcmp(device, "auto");
    d->want = cpu ? NULL : wn_strdup(d->automatic ? "vulkan" : device);
    d->cache_dir = wn_strdup(cache_dir);
    *out = d;
    if ((!cpu && !d->want) || (cache_dir && !d->cache_dir)) {
        wn_device_unref(out);
        return wn_nomem(log, "the device");
    }
    return WN_OK;
}

struct wn_device *wn_device_ref(struct wn_device *device)
{
    atomic_fetch_add(&device->refs, 1);
    return device;
}

void wn_device_unref(struct wn_device **device)
{
    struct wn_device *d = *device;

    *device = NULL;
    if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
        return;
    wn_backend_destroy(&d->gpu);
    wn_log_finish(&d->quiet);
    pthread_mutex_destroy(&d->lock);
    free(d->want);
    free(d->cache_dir);
    free(d);
}

bool wn_device_automatic(const struct wn_device *device)
{
    return device->automatic;
}

static void tell(const struct wn_device *d, char name[WN_DEVICE_NAME])
{
    snprintf(name, WN_DEVICE_NAME, "%s", d->gpu ? d->gpu->name : "");
}

int wn_device_find(struct wn_device *d, char name[WN_DEVICE_NAME])
{
    int err = WN_OK;

    pthread_mutex_lock(&d->lock);
    if (!d->gpu && !d->looked && d->want) {
        err = wn_backend_vulkan(&d->gpu, d->want, d->cache_dir, d->automatic ? &d->quiet : d->log);
        d->opens += !err;
        d->looked = !err || d->automatic;
        err = d->automatic ? WN_OK : err;
    }
    tell(d, name);
    pthread_mutex_unlock(&d->lock);
    return err;
}

void wn_device_here(struct wn_device *d, char name[WN_DEVICE_NAME])
{
    pthread_mutex_lock(&d->lock);
    tell(d, name);
    pthread_mutex_unlock(&d->lock);
}

int wn_device_run(struct wn_device *d, const struct wn_plan *plan, bool *ran)
{
    int err = WN_OK;

    pthread_mutex_lock(&d->lock);
    *ran = d->gpu != NULL;
    if (d->gpu)
        err = d->gpu->run(d->gpu, plan);
    if (err == WN_ERR_DEVICE || err == WN_ERR_NOMEM) {
        wn_say(d->log, WN_LOG_WARN, "%s %s; the filters go on on the CPU", d->gpu->name,
               err == WN_ERR_DEVICE ? "failed" : "has not enough memory");
        wn_backend_destroy(&d->gpu);
    } else if (err == WN_ERR_LIMIT || err == WN_ERR_UNSUPPORTED) {
        wn_say(d->log, WN_LOG_INFO, "%s cannot hold this segment; the CPU filters it",
               d->gpu->name);
    }
    pthread_mutex_unlock(&d->lock);
    return err;
}

int wn_device_opens(struct wn_device *d)
{
    pthread_mutex_lock(&d->lock);
    const int opens = d->opens;
    pthread_mutex_unlock(&d->lock);
    return opens;
}

void wn_device_use(struct wn_device *d, struct wn_backend *gpu)
{
    pthread_mutex_lock(&d->lock);
    wn_backend_destroy(&d->gpu);
    d->gpu = gpu;
    d->looked = true;
    pthread_mutex_unlock(&d->lock);
}
