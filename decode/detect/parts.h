/* SPDX-License-Identifier: MIT */
/* The detectors' measures. */
#ifndef WN_DETECT_PARTS_H
#define WN_DETECT_PARTS_H

#include "detect.h"

/* OpenCV's 8-bit HSV of rgb [3][n]: three planes of n pixels, hue below 180. */
void wn_hsv(const uint8_t *rgb, size_t n, uint8_t *hue, uint8_t *sat, uint8_t *lum);
/* OpenCV's Canny (aperture 3, L1) between 2/3 and 4/3 of the median, dilated by kernel x kernel (0:
 * by size). edges [h][w] of 0 and 255. WN_ERR_NOMEM or WN_OK. */
int wn_edges(const uint8_t *lum, int32_t w, int32_t h, int kernel, uint8_t *edges);

/* rgb [3][h][w]. Perceptual hash: size * size flags. */
int wn_phash(const uint8_t *rgb, int32_t w, int32_t h, int size, int lowpass, bool *hash);
/* Histogram of luma with L2 norm 1, and the correlation of two. */
void wn_luma_histogram(const uint8_t *rgb, size_t n, int bins, float *hist);
double wn_correlation(const float *a, const float *b, int bins);
/* Sum of absolute differences. */
uint64_t wn_distance(const uint8_t *a, const uint8_t *b, size_t n);
double wn_mean_bytes(const uint8_t *data, size_t n);

/* FFmpeg scdet: mean absolute difference in percent of the range, and the score after `previous`,
 * which it replaces. */
double wn_scdet_mafd(const uint8_t *a, const uint8_t *b, size_t n);
double wn_scdet_score(double mafd, double *previous);

/* OpenCV's bilinear resize of packed 8-bit RGB, source rows `stride` bytes apart, to planes: dst
 * [3][dh][dw]. */
int wn_resize_linear(const uint8_t *src, ptrdiff_t stride, int32_t sw, int32_t sh, uint8_t *dst,
                     int32_t dw, int32_t dh);
/* Of one plane, by area when it shrinks (OpenCV's INTER_AREA). Both: WN_ERR_NOMEM or WN_OK. */
int wn_resize_area(const uint8_t *src, int32_t sw, int32_t sh, uint8_t *dst, int32_t dw,
                   int32_t dh);
/* What PySceneDetect looks at: the larger side at most 256. */
void wn_detect_size(int32_t w, int32_t h, int32_t *dw, int32_t *dh);

#endif
