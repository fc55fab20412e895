/* SPDX-License-Identifier: MIT */
/* Decoding on a GPU through libav, when asked. Whatever cannot be done there is done by software:
 * no device, no decoder for this codec or profile, a device that gives up. */
#ifndef WN_DECODE_HW_H
#define WN_DECODE_HW_H

#include <libavcodec/avcodec.h>

#include "pipeline/util.h"

/* which: "vaapi", "cuda", "vulkan" (or another kind that libav knows), "auto" for the first of
 * these three that works, NULL or "none". *device stays NULL, and one warning says why, where
 * software decodes. WN_ERR_ARG for a word that libav does not know. */
int wn_hw_open(AVBufferRef **device, const char *which, const AVCodec *codec, const char *file,
               struct wn_log *log);
/* Before avcodec_open2(); device may be NULL. */
void wn_hw_attach(AVCodecContext *codec, AVBufferRef *device);
/* A frame on a device becomes one in memory. Others stay. 0 or an AVERROR. */
int wn_hw_fetch(AVFrame *frame);

#endif
