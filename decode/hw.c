/* SPDX-License-Identifier: MIT */
#include "hw.h"

#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>

#include <string.h>

static const AVCodecHWConfig *config_of(const AVCodec *codec, enum AVHWDeviceType type)
{
    for (int i = 0;; i++) {
        const AVCodecHWConfig *c = avcodec_get_hw_config(codec, i);
        if (!c || (c->device_type == type &&
                   (c->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX)))
            return c;
    }
}

/* NULL, or why it does not work. */
static const char *try_type(AVBufferRef **device, enum AVHWDeviceType type, const AVCodec *codec)
{
    if (!config_of(codec, type))
        return "this FFmpeg does not decode this codec with it";
    return av_hwdevice_ctx_create(device, type, NULL, NULL, 0) < 0 ? "no device opens" : NULL;
}

int wn_hw_open(AVBufferRef **device, const char *which, const AVCodec *codec, const char *file,
               struct wn_log *log)
{
    static const char *const kinds[] = {"vaapi", "cuda", "vulkan"};
    const char *why = "no device opens";

    if (!which || !*which || !strcmp(which, "none"))
        return WN_OK;
    if (!strcmp(which, "auto")) {
        for (int i = 0; i < WN_LEN(kinds) && !*device; i++)
            why = try_type(device, av_hwdevice_find_type_by_name(kinds[i]), codec);
    } else {
        const enum AVHWDeviceType type = av_hwdevice_find_type_by_name(which);
        if (type == AV_HWDEVICE_TYPE_NONE)
            return wn_fail(log, WN_ERR_ARG,
                           "hardware decoding: \"%s\" is none of auto, vaapi, cuda, vulkan, none",
                           which);
        why = try_type(device, type, codec);
    }
    if (why)
        wn_say(log, WN_LOG_WARN, "%s: not decoded by hardware (%s: %s): software decodes", file,
               which, why);
    else
        wn_say(log, WN_LOG_INFO, "%s: decoded by hardware (%s)", file, which);
    return WN_OK;
}

/* The device's format where the decoder offers it for this stream, else software's. */
static enum AVPixelFormat choose(AVCodecContext *c, const enum AVPixelFormat *offered)
{
    const AVHWDeviceContext *device = (const AVHWDeviceContext *)c->hw_device_ctx->data;
    const AVCodecHWConfig *config = config_of(c->codec, device->type);

    for (int i = 0; config && offered[i] != AV_PIX_FMT_NONE; i++)
        if (offered[i] == config->pix_fmt)
            return offered[i];
    return avcodec_default_get_format(c, offered);
}

void wn_hw_attach(AVCodecContext *c, AVBufferRef *device)
{
    if (!device)
        return;
    c->hw_device_ctx = av_buffer_ref(device);
    if (c->hw_device_ctx)
        c->get_format = choose;
}

int wn_hw_fetch(AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    AVFrame *copy = NULL;

    if (!desc || !(desc->flags & AV_PIX_FMT_FLAG_HWACCEL))
        return 0;
    copy = av_frame_alloc();
    if (!copy)
        return AVERROR(ENOMEM);
    int ret = av_hwframe_transfer_data(copy, frame, 0);
    if (ret >= 0)
        ret = av_frame_copy_props(copy, frame);
    if (ret >= 0) {
        av_frame_unref(frame);
        av_frame_move_ref(frame, copy);
    }
    av_frame_free(&copy);
    return ret;
}
