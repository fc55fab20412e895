/* SPDX-License-Identifier: MIT */
#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>
#include <stdio.h>

#include "log.h"
#include "../pipeline/llm.h"

static void list_devices(void (*line)(void *opaque, const char *name, const char *value),
                         void *opaque)
{
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        ggml_backend_dev_t dev = ggml_backend_dev_get(i);
        char text[256];

        snprintf(text, sizeof(text), "%s (%s)", ggml_backend_dev_description(dev),
                 ggml_backend_dev_name(dev));
        line(opaque, ggml_backend_dev_type(dev) == GGML_BACKEND_DEVICE_TYPE_CPU
                     ? "llama.cpp CPU" : "llama.cpp device", text);
    }
}

void wn_llm_versions(void (*line)(void *opaque, const char *name, const char *value), void *opaque)
{
    struct wn_caught caught; /* only so that no backend talks to stderr */

    wn_catch_begin(&caught);
    if (!ggml_backend_reg_count())
        ggml_backend_load_all();
    line(opaque, "llama.cpp", llama_version());
    line(opaque, "ggml", ggml_version());
    line(opaque, "llama.cpp GPU offload", llama_supports_gpu_offload() ? "yes" : "no: CPU only");
    list_devices(line, opaque);
    wn_catch_end();
}
