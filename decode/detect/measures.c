/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "clones.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static int gray(int r, int g, int b)
{
    return (r * 9798 + g * 19235 + b * 3735 + (1 << 14)) >> 15;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The low `size` x `size` coefficients of the n x n orthonormal cosine transform. */
static void low_dct(const uint8_t *image, int n, int size, double *half, float *low)
{
    int most = 1;

    for (int i = 0; i < n * n; i++)
        most = WN_MAX(most, image[i]);
    for (int y = 0; y < n; y++) {
        for (int u = 0; u < size; u++) {
            double sum = 0;
            for (int x = 0; x < n; x++)
                sum += (double)((float)image[y * n + x] / (float)most) *
                       cos(M_PI * (2 * x + 1) * u / (2.0 * n));
            half[y * size + u] = sum * sqrt((u ? 2.0 : 1.0) / n);
        }
    }
    for (int v = 0; v < size; v++) {
        for (int u = 0; u < size; u++) {
            double sum = 0;
            for (int y = 0; y < n; y++)
                sum += half[y * size + u] * cos(M_PI * (2 * y + 1) * v / (2.0 * n));
            low[v * size + u] = (float)(sum * sqrt((v ? 2.0 : 1.0) / n));
        }
    }
}

static float median_of(const float *x, int n, float *sorted)
{
    for (int i = 0; i < n; i++)
        sorted[i] = x[i];
    qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

int wn_phash(const uint8_t *rgb, int32_t w, int32_t h, int size, int lowpass, bool *hash)
{
    const int n = size * lowpass, bits = size * size;
    const size_t pixels = (size_t)w * (size_t)h;
    uint8_t *plane = wn_calloc(pixels, 1);
    uint8_t *small = wn_calloc((size_t)n, (size_t)n);
    double *half = wn_calloc((size_t)n * (size_t)size, sizeof(*half));
    float *low = wn_calloc(2 * (size_t)bits, sizeof(*low));
    int err = WN_ERR_NOMEM;

    if (!plane || !small || !half || !low)
        goto fail;
    for (size_t i = 0; i < pixels; i++)
        plane[i] = (uint8_t)gray(rgb[i], rgb[pixels + i], rgb[2 * pixels + i]);
    TRY(wn_resize_area(plane, w, h, small, n, n));
    low_dct(small, n, size, half, low);
    const float middle = median_of(low, bits, low + bits);
    for (int i = 0; i < bits; i++)
        hash[i] = low[i] > middle;
fail:
    free(plane);
    free(small);
    free(half);
    free(low);
    return err;
}

void wn_luma_histogram(const uint8_t *rgb, size_t n, int bins, float *hist)
{
    double norm = 0;

    for (int i = 0; i < bins; i++)
        hist[i] = 0;
    for (size_t i = 0; i < n; i++) {
        const int y = (1868 * rgb[2 * n + i] + 9617 * rgb[n + i] + 4899 * rgb[i] + 8192) >> 14;
        hist[y * bins / 256]++;
    }
    for (int i = 0; i < bins; i++)
        norm += (double)hist[i] * hist[i];
    for (int i = 0; i < bins; i++)
        hist[i] = (float)(hist[i] / sqrt(norm));
}

double wn_correlation(const float *a, const float *b, int bins)
{
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;

    for (int i = 0; i < bins; i++) {
        sa += a[i];
        sb += b[i];
        saa += (double)a[i] * a[i];
        sbb += (double)b[i] * b[i];
        sab += (double)a[i] * b[i];
    }
    const double spread = (saa - sa * sa / bins) * (sbb - sb * sb / bins);
    return fabs(spread) > DBL_EPSILON ? (sab - sa * sb / bins) / sqrt(spread) : 1;
}

#define PART 4096 /* whose differences fit in 32 bits */

WN_CLONES
static uint32_t part_distance(const uint8_t *a, const uint8_t *b, int n)
{
    uint32_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += (uint32_t)abs(a[i] - b[i]);
    return sum;
}

uint64_t wn_distance(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i += PART)
        sum += part_distance(a + i, b + i, (int)WN_MIN(n - i, PART));
    return sum;
}

double wn_mean_bytes(const uint8_t *data, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += data[i];
    return (double)sum / (double)n;
}

double wn_scdet_mafd(const uint8_t *a, const uint8_t *b, size_t n)
{
    return (double)wn_distance(a, b, n) * 100 / (double)n / 256;
}

double wn_scdet_score(double mafd, double *previous)
{
    const double least = fmin(mafd, fabs(mafd - *previous));

    *previous = mafd;
    return fmin(fmax(least, 0), 100);
}
