/* SPDX-License-Identifier: MIT */
/* Provenance: for every element of a tensor the set of patches it stands for. Held as a strided
 * view with runs, so that the usual tensor (all channels of a row alike) costs one number a row,
 * and views, reshapes and permutations cost nothing. */
#ifndef WN_PROV_H
#define WN_PROV_H

#include "sets.h"

struct wn_prov {
    int64_t run;    /* that many neighbours along dimension 0 are alike */
    int64_t ne[4];  /* ne[0] in runs */
    int64_t st[4];  /* stride in `set`, 0 where all are alike */
    int64_t off;
    int32_t *set;   /* owned by the arena */
};

/* Everything made here lives until the arena ends. Functions return NULL when out of memory. */
struct wn_prov_arena {
    struct wn_sets *sets;
    void **block;
    int n, max;
};
void wn_prov_finish(struct wn_prov_arena *arena);

/* New and empty; dimensions flagged in `alike` do not vary. */
struct wn_prov *wn_prov_new(struct wn_prov_arena *arena, int64_t run, const int64_t ne[4],
                            const bool alike[4]);
struct wn_prov *wn_prov_copy(struct wn_prov_arena *arena, const struct wn_prov *p);
int32_t wn_prov_at(const struct wn_prov *p, int64_t i0, int64_t i1, int64_t i2, int64_t i3);

struct wn_prov *wn_prov_permute(struct wn_prov_arena *arena, const struct wn_prov *p,
                                const int32_t axis[4]);
struct wn_prov *wn_prov_reshape(struct wn_prov_arena *arena, const struct wn_prov *p,
                                const int64_t ne[4]);
/* Union along dimension 0, which then has ne0 elements, all alike. */
struct wn_prov *wn_prov_join(struct wn_prov_arena *arena, const struct wn_prov *p, int64_t ne0);
/* Element by element, b stretched over a; where it cannot be, everything is unknown. */
struct wn_prov *wn_prov_union(struct wn_prov_arena *arena, const struct wn_prov *a,
                              const struct wn_prov *b);
/* [ne0][...] with all elements unknown. */
struct wn_prov *wn_prov_unknown(struct wn_prov_arena *arena, const int64_t ne[4]);
/* A window of p: element i is p's i + from, empty where that lies outside. */
struct wn_prov *wn_prov_window(struct wn_prov_arena *arena, const struct wn_prov *p,
                               const int64_t ne[4], const int64_t from[4]);

#endif
