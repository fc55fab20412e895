/* SPDX-License-Identifier: MIT */
/* Small media files for the decoder's tests, made by libav's own encoders where the test runs. */
#ifndef WN_DECODE_MAKE_H
#define WN_DECODE_MAKE_H

#include <libavutil/pixfmt.h>
#include <libavutil/rational.h>

#include "pipeline/decoder.h"

struct make {
    const char *path;        /* its ending chooses the container */
    const char *codec;       /* default "ffv1", which is lossless */
    enum AVPixelFormat format; /* of the encoder; default BGR0, or YUV420P where a codec is named */
    int width, height;       /* default 16 x 12 */
    int n;                   /* frames, default 10 */
    int fps;                 /* default 10 */
    int gop;                 /* default: the encoder's */
    const char *options;     /* of the encoder: "name=value:name=value" */
    const int *pts;          /* [n] in 1/1000 s; NULL: by fps */
    AVRational sar;
    const int *matrix;       /* [4] a, b, c, d of a display matrix, each -1, 0 or 1 */
    /* RGB of pixel x, y of frame i; default: paint_number() */
    void (*paint)(int i, int x, int y, uint8_t rgb[3]);
    const char *subtitles;   /* an SRT text that becomes a track */
};

/* A colour of its own for each frame number below 4096; read_number() finds the number again. */
void paint_number(int i, int x, int y, uint8_t rgb[3]);
int read_number(const struct wn_frame *frame);

/* Goes into the folder that the first argument names, and makes it. */
void work_in(int argc, char **argv);
void make_file(const struct make *make); /* aborts with a message when libav cannot */
#define MAKE(...) make_file(&(struct make){__VA_ARGS__})

/* A decoder over a file with a chain of frame filters; asserts that both open. */
struct opened {
    struct wn_log log;
    struct wn_chain *chain;
    struct wn_decoder *decoder;
    char said[512];          /* the last warning */
};
int open_decoder(struct opened *o, const struct wn_decoder_params *params, const char *chain);
void close_decoder(struct opened *o);

/* Up to `most` frames; returns how many there were and asserts that the end is an end. */
struct seen {
    int number;              /* read_number() */
    double time;
    int64_t counted;         /* wn_frame.number */
    int scene;
    double score;
    bool key;
    int width, height;
    uint64_t hash;
};
int read_all(struct opened *o, struct seen *seen, int most);
/* open_decoder(), read_all() and close_decoder() in one. */
int read_file(const char *path, const char *chain, struct seen *seen, int most);

#endif
