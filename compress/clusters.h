/* SPDX-License-Identifier: MIT */
/* Clusters by density peaks (DPC-KNN) among the rows of each segment: a row is a center when many
 * rows are near and none that is denser is. Others join the nearest center. */
#ifndef WN_CLUSTERS_H
#define WN_CLUSTERS_H

#include "build.h"

struct wn_clusters {
    int32_t n, n_segments, dim; /* of the rows below; a segment has `width` rows at most */
    int32_t width;
    wn_buf data, ptr;           /* f32 [n][dim], i32 [n_segments + 1] */
    wn_buf table;               /* how many of m rows are centers */
    const int32_t *mode;        /* [n_segments] 1: all rows are; or NULL */
    int32_t k;                  /* neighbours that make a row's density, the row itself the first */
    bool capped;                /* no more neighbours than centers */
    int32_t few;                /* segments of so few rows rank them as they stand */
    float noise;                /* 0, or noise * lot is added to densities; lot f32 [n] */
    wn_buf lot;
    /* Set: i32 or f32 [n]. rank: of score, the best is the first center. */
    wn_buf score, rank, keep, to, modes;
};

/* Records the calls that rank rows: score and rank. No table is needed, unless capped. */
void wn_build_find_peaks(struct wn_build *b, struct wn_clusters *c);
/* Records those that find centers and members. */
void wn_build_find_clusters(struct wn_build *b, struct wn_clusters *c);

/* 1 / c, for every member of a cluster of c rows. */
float wn_share_mean(int32_t c, bool first);

#endif
