/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <string.h>

#include "vit.h"

/* libmtmd wherever the model was trained on what it makes: with CLS last it gives other rows. */
static bool own_fits(const struct wn_encoder_params *params)
{
    struct wn_vit_info info;
    char why[512];
    const int err = wn_vit_probe(params->mmproj, &info, why, sizeof(why));

    if (err < 0)
        wn_say(params->log, WN_LOG_DEBUG, "%s: libmtmd encodes it: %s", params->mmproj, why);
    return err >= 0 && !info.cls_last &&
           !(params->cls_layout && !strcmp(params->cls_layout, "last"));
}

int wn_encoder_open(struct wn_encoder **out, const struct wn_encoder_params *params)
{
    const char *kind = params->kind ? params->kind : "auto";

    if (!strcmp(kind, "own"))
        return wn_encoder_own_open(out, params);
    if (!strcmp(kind, "mtmd"))
        return wn_encoder_mtmd_open(out, params);
    if (strcmp(kind, "auto"))
        return wn_fail(params->log, WN_ERR_ARG, "no encoder \"%s\": it is auto, own or mtmd", kind);
    return own_fits(params) ? wn_encoder_own_open(out, params) : wn_encoder_mtmd_open(out, params);
}
