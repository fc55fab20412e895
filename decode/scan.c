/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include "container.h"

#include <math.h>

/* Packets come in decoding order, so the clock's rule for stamps that fall cannot be used: only the
 * highest stamp counts. */
int wn_scan_duration(const char *url, int stream, const struct wn_clock *clock, double *duration,
                     struct wn_log *log)
{
    struct wn_container *file = NULL;
    AVPacket *packet = av_packet_alloc();
    bool damaged = false;
    double last = 0;
    int64_t n = 0;
    int err;

    if (!packet)
        return wn_nomem(log, "a packet");
    TRY(wn_container_open(&file, url, log));
    if (stream >= (int)file->fmt->nb_streams)
        goto fail;
    for (unsigned i = 0; i < file->fmt->nb_streams; i++)
        file->fmt->streams[i]->discard = (int)i == stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    for (;;) {
        err = wn_container_read(file, packet, &damaged);
        if (err)
            break;
        if (packet->stream_index == stream) {
            n++;
            if (packet->pts != AV_NOPTS_VALUE)
                last =
                    fmax(last, ((double)packet->pts - (double)clock->start) * av_q2d(clock->base));
        }
        av_packet_unref(packet);
    }
    if (err < 0)
        goto fail;
    err = WN_OK;
    *duration = last > 0 ? last + clock->frame : (double)n * clock->frame;
fail:
    av_packet_free(&packet);
    wn_container_close(&file);
    return err;
}
