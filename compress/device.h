/* SPDX-License-Identifier: MIT */
/* A Vulkan device that compressors share: opened, and tested, when the first of them asks. Any
 * thread may run a plan; plans run one after the other. */
#ifndef WN_DEVICE_H
#define WN_DEVICE_H

#include "../pipeline/compressor.h"
#include "plan.h"

enum { WN_DEVICE_NAME = 128 };

/* Nobody named one: the best real GPU, if there is one. */
bool wn_device_automatic(const struct wn_device *device);
/* Opens it unless that was tried. Fails where it was named and cannot be had. *name: empty where
 * there is none. */
int wn_device_find(struct wn_device *device, char name[WN_DEVICE_NAME]);
/* The same without opening it. */
void wn_device_here(struct wn_device *device, char name[WN_DEVICE_NAME]);
/* *ran false: there is none, or no more. A device that fails is closed for all who share it. */
int wn_device_run(struct wn_device *device, const struct wn_plan *plan, bool *ran);
/* For tests: how often one was opened; and `gpu` stands in for what was found, taken. */
int wn_device_opens(struct wn_device *device);
void wn_device_use(struct wn_device *device, struct wn_backend *gpu);

#endif
