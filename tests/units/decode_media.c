/* SPDX-License-Identifier: MIT */
/* Opens every file of a folder of test media and checks how that ends: frames, size and damage, or
 * the class of error and words of its sentence. Files that the table does not name must still end
 * well or with a sentence. `decode_media DIR`; 77 when there is no such folder. */
#include "decode_make.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECONDS 120.0        /* of one file, on a busy machine and under sanitizers */
#if defined(__SANITIZE_ADDRESS__)
# define RESIDENT (4ll << 30) /* freed memory lies in quarantine */
#else
# define RESIDENT (1ll << 30)
#endif

enum { ANY = -1 };

struct want {
    const char *path;
    int err;                 /* of opening or reading */
    int64_t frames;          /* decoded */
    int width, height;       /* of the last frame kept, 0: any */
    int partial;             /* 0, 1 or ANY */
    const char *words;       /* in the error or the warning */
};

static const struct want table[] = {
    {"clips/anamorphic_720x576_dar16x9.mp4", 0, 63, 1024, 576, 0, NULL},
    {"clips/bottle_start600s.ts", 0, 151, 480, 270, 0, NULL},
    {"clips/bottles.mp4", 0, 1189, 640, 360, 0, NULL},
    {"clips/car_and_cyclist.gif", 0, 41, 480, 270, 0, NULL},
    {"clips/carphone_distorted.mp4", 0, 120, 193, 144, 0, NULL},
    {"clips/carphone_pristine.mp4", 0, 120, 193, 144, 0, NULL},
    {"clips/cockatoo_seektrap_444.mp4", 0, 280, 1280, 720, 0, NULL},
    {"clips/film_cuts_a.mp4", 0, 396, 480, 270, 0, NULL},
    {"clips/frog.webm", 0, 248, 720, 480, 0, NULL},
    {"clips/nasa_13013_multistream.mp4", 0, 390, 480, 270, 0, NULL},
    {"clips/needle_10min.mp4", 0, 3000, 320, 180, 0, NULL},
    {"clips/phone_rot90.mp4", 0, 241, 400, 480, 0, NULL},
    {"clips/psd_counter.mp4", 0, 30, 1920, 1080, 0, NULL},
    {"clips/psd_delayed_start.mp4", 0, 24, 480, 320, 0, NULL},
    {"clips/psd_fades.mp4", 0, 250, 480, 320, 0, NULL},
    {"clips/psd_testvideo.mp4", 0, 720, 1280, 720, 0, NULL},
    {"clips/rabbit320.mp4", 0, 234, 320, 240, 0, NULL},
    {"clips/rabbit320.webm", 0, 234, 320, 240, 0, NULL},
    {"clips/sign_walk.mkv", 0, 89, 640, 480, 0, NULL},
    {"clips/slides_en.mp4", 0, 200, 1280, 720, 0, NULL},
    {"clips/traffic_car_detection.mp4", 0, 377, 768, 432, 0, NULL},
    {"clips/vfr_drop3.mp4", 0, 100, 512, 288, 0, NULL},
    {"clips/worker_odd333x187_444.mp4", 0, 71, 332, 187, 0, NULL},
    {"codecs/car.gif", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_128x72.apng", 0, 38, 128, 72, 0, NULL},
    {"codecs/car_anim.webp", WN_ERR_UNSUPPORTED, 0, 0, 0, ANY, "animated WebP"},
    {"codecs/car_av1.ivf", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_av1.mp4", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_ffv1.mkv", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_flv1.flv", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_h264.mp4", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_h264_10bit.mkv", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_h263.3gp", 0, 75, 192, 144, 0, NULL},
    {"codecs/car_hevc.mp4", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_mjpeg.avi", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_mpeg2.ts", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_mpeg4.avi", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_theora.ogv", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_vp8.webm", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_vp9.webm", 0, 38, 256, 144, 0, NULL},
    {"codecs/car_wmv2.wmv", 0, 76, 256, 144, 0, NULL},
    {"codecs/torchcodec_av1.mkv", 0, 125, 640, 360, 0, NULL},
    {"codecs/torchcodec_h265_10bits.mp4", 0, 30, 200, 200, 0, NULL},
    {"codecs/torchcodec_h265_frameno.mp4", 0, 10, 128, 128, 0, NULL},
    {"codecs/wpt_timer.mp4", 0, 193, 400, 300, 0, NULL},
    {"codecs/wpt_timer.webm", 0, 193, 400, 300, 0, NULL},
    {"codecs/decord_rot_0.mov", 0, 3, 568, 320, 0, NULL},
    {"codecs/decord_rot_90.mov", 0, 3, 320, 568, 0, NULL},
    {"codecs/decord_rot_180.mov", 0, 3, 568, 320, 0, NULL},
    {"codecs/decord_rot_270.mov", 0, 3, 320, 568, 0, NULL},
    {"photos/exif_landscape_1.jpg", 0, 1, 1800, 1200, 0, NULL},
    {"photos/exif_landscape_3.jpg", 0, 1, 1800, 1200, 0, NULL},
    {"photos/exif_landscape_6.jpg", 0, 1, 1800, 1200, 0, NULL},
    {"photos/chelsea.png", 0, 1, 451, 300, 0, NULL},
    {"photos/rocket.jpg", 0, 1, 640, 427, 0, NULL},
    {"photos/fox.avif", WN_ERR_UNSUPPORTED, 0, 0, 0, ANY, "AVIF"},
    {"nasty/empty.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "empty file"},
    {"nasty/one_byte.mkv", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/trunc_no_moov.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "file incomplete: moov atom missing"},
    {"nasty/trunc_half_faststart.mp4", 0, 25, 320, 180, 1, "truncated"},
    {"nasty/trunc_header_only.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "no video stream"},
    {"nasty/png_named.mp4", 0, 1, 320, 180, 0, NULL},
    {"nasty/mp4_named.jpg", 0, 51, 320, 180, 0, NULL},
    {"nasty/text_named.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "not a video"},
    {"nasty/random_bytes.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "not a video"},
    {"nasty/hls_local_file.mp4", WN_ERR_UNSUPPORTED, 0, 0, 0, ANY, "playlist"},
    {"nasty/hls_http.m3u8", WN_ERR_UNSUPPORTED, 0, 0, 0, ANY, "playlist"},
    {"nasty/ffconcat_escape.mp4", WN_ERR_UNSUPPORTED, 0, 0, 0, ANY, "playlist"},
    {"nasty/one_pixel_red.png", 0, 1, 1, 1, 0, NULL},
    {"nasty/one_pixel.mkv", 0, 5, 1, 1, 0, NULL},
    {"nasty/two_pixel.mp4", 0, 5, 2, 2, 0, NULL},
    {"nasty/bomb_16000x16000_1bit.png", WN_ERR_LIMIT, 0, 0, 0, ANY, "178956970"},
    {"nasty/bomb_30000x30000_1bit.png", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/header_100000x100000.png", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/header_zero_width.png", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/bad_crc.png", 0, 1, 1, 1, 0, NULL},
    {"nasty/strip_16384x16.avi", 0, 3, 16384, 16, 0, NULL},
    {"nasty/tall_16x8192.mkv", 0, 3, 16, 8192, 0, NULL},
    {"nasty/gif_65535x65535.gif", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/gif_4096x4096_200frames.gif", 0, 200, 4096, 4096, 0, NULL},
    {"nasty/container_dims_lie_32000.mp4", 0, 51, 320, 180, 0, NULL},
    {"nasty/audio_only.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "no video stream"},
    {"nasty/mp3_with_cover.mp3", WN_ERR_DATA, 0, 0, 0, ANY, "only cover art"},
    {"nasty/subs_only.srt", WN_ERR_DATA, 0, 0, 0, ANY, "no video stream"},
    {"nasty/single_frame.mp4", 0, 1, 320, 180, 0, NULL},
    {"nasty/ts_timestamps_reset.ts", 0, 140, 320, 180, 0, "fell back 2 times"},
    {"nasty/pts_unordered_decord.mov", 0, 4, 50, 50, 0, NULL},
    {"nasty/pts_backwards.nut", 0, 51, 320, 180, 0, "fell back"},
    {"nasty/all_pts_zero.mkv", 0, 51, 320, 180, 0, "carry no time"},
    {"nasty/gap_one_hour.mkv", 0, 51, 320, 180, 0, NULL},
    {"nasty/no_duration_no_cues.mkv", 0, 51, 320, 180, 0, NULL},
    {"nasty/edit_list_trim.mp4", 0, 34, 320, 180, 0, NULL},
    {"nasty/starts_mid_gop.ts", 0, 26, 320, 180, 1, "damaged"},
    {"nasty/res_change_320_640.ts", 0, 76, 640, 360, 0, NULL},
    {"nasty/res_and_pixfmt_change.h264", 0, 50, 176, 144, 0, NULL},
    {"nasty/corrupt_60_bitflips.mp4", 0, 51, 320, 180, 1, "damaged"},
    {"nasty/corrupted_real_decord.mp4", 0, 49, 1280, 720, 1, "damaged"},
    {"nasty/mdat_all_random.mp4", WN_ERR_DATA, 0, 0, 0, ANY, "no frame could be decoded"},
    {"nasty/stsz_count_huge.mp4", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/stco_past_end.mp4", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/static_2h_5fps.mp4", 0, 36000, 160, 90, 0, NULL},
    {"nasty/pix_yuv444p10.mkv", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_yuv420p12.mkv", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_gray.mkv", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_gray16.mkv", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_gbrp.mkv", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_yuva420p_alpha.webm", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_yuv410p.avi", 0, 13, 320, 180, 0, NULL},
    {"nasty/pix_pal8.avi", 0, 2, 320, 180, 0, NULL},
    {"nasty/alpha_half_red.png", 0, 1, 64, 64, 0, NULL},
    {"nasty/alpha_moving.gif", 0, 5, 64, 64, 0, NULL},
    {"nasty/png_16bit.png", 0, 1, 320, 180, 0, NULL},
    {"nasty/interlaced.mpg", 0, 99, 320, 180, 0, NULL},
    {"nasty/encrypted_cenc.mp4", WN_ERR_UNSUPPORTED, 0, 0, 0, ANY, "encrypted"},
    {"nasty/metadata_special_tokens.mp4", 0, 51, 320, 180, 0, NULL},
    {"nasty/visual_injection.png", 0, 1, 640, 360, 0, NULL},
    {"nasty/cmyk.jpg", 0, 1, 320, 180, 0, NULL},
    {"nasty/progressive.jpg", 0, 1, 320, 180, 0, NULL},
    {"nasty/trunc.jpg", 0, 1, 320, 180, 1, "damaged"},
    {"nasty/svg_entity_bomb.svg", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
    {"nasty/ebml_size_2e56.mkv", WN_ERR_DATA, 0, 0, 0, ANY, NULL},
};

static int checked, failed;

static const struct want *find(const char *path)
{
    for (int i = 0; i < WN_LEN(table); i++)
        if (!strcmp(table[i].path, path))
            return &table[i];
    return NULL;
}

struct found {
    struct wn_media media;
    int err, width, height, kept;
    bool fell;               /* a time went back, or a scene */
};

static void read_through(struct opened *o, struct found *f)
{
    double last = 0;
    int32_t scene = 0;

    while (!f->err) {
        struct wn_frame *frame = NULL;
        f->err = wn_decoder_next(o->decoder, &frame);
        if (f->err)
            break;
        f->fell |= !(frame->time >= last) || frame->scene < scene;
        last = frame->time;
        scene = frame->scene;
        f->width = frame->width;
        f->height = frame->height;
        f->kept++;
        wn_frame_unref(&frame);
    }
    f->err = WN_MIN(f->err, 0);
    f->media.size = sizeof(f->media);
    wn_decoder_media(o->decoder, &f->media);
}

static const char *compare(const struct want *w, const struct found *f, const struct opened *o)
{
    const char *said = f->err ? o->log.last_error : o->said;

    if (f->fell)
        return "a time or a scene went back";
    if (f->err && strlen(o->log.last_error) < 10)
        return "an error without a sentence";
    if (!f->err && (!f->kept || f->media.frames_decoded < f->kept))
        return "no frames";
    if (!w)
        return NULL;
    if (f->err != w->err)
        return "another error";
    if (w->words && !strstr(said, w->words))
        return "other words";
    if (f->err)
        return NULL;
    if (w->frames != f->media.frames_decoded)
        return "another number of frames";
    if (w->width != f->width || w->height != f->height)
        return "another size";
    return w->partial != ANY && w->partial != f->media.partial ? "another state of damage" : NULL;
}

static void check(const char *root, const char *folder, const char *name)
{
    char shown[256], path[1024], file[2048];
    struct found f = {0};
    struct opened o;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(file, sizeof(file), "%s/%s", root, path);
    const double began = wn_now();
    const int64_t before = wn_peak_bytes();
    f.err = open_decoder(&o, &(struct wn_decoder_params){.url = file}, "scene,fps=1");
    if (!f.err)
        read_through(&o, &f);
    const char *why = compare(find(path), &f, &o);
    if (!why && wn_now() - began > SECONDS)
        why = "too slow";
    if (!why && wn_peak_bytes() > WN_MAX(before, RESIDENT))
        why = "too much memory";
    checked++;
    if (why) {
        failed++;
        printf("FAILED %s: %s (error %d '%s', %lld frames, %d x %d, partial %d, said '%s')\n",
               wn_printable(shown, sizeof(shown), path), why, f.err, o.log.last_error,
               (long long)f.media.frames_decoded, f.width, f.height, f.media.partial, o.said);
    }
    close_decoder(&o);
}

static bool check_folder(const char *root, const char *folder)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", root, folder);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        struct stat st;
        char file[2048];
        snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        if (!stat(file, &st) && S_ISREG(st.st_mode))
            check(root, folder, e->d_name);
    }
    closedir(dir);
    return true;
}

int main(int argc, char **argv)
{
    static const char *const folder[] = {"clips", "codecs", "photos", "nasty", "nasty/seq_gap",
                                         "nasty/gguf", "nasty/safetensors", "nasty/manifests"};
    bool any = false;

    for (int i = 0; argc > 1 && i < WN_LEN(folder); i++)
        any |= check_folder(argv[1], folder[i]);
    if (!any) {
        printf("no folder of media: skipped\n");
        return 77;
    }
    printf("%d files passed, %d failed, peak %lld MiB\n", checked - failed, failed,
           (long long)(wn_peak_bytes() >> 20));
    return failed || checked < WN_LEN(table);
}
