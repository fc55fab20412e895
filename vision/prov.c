/* SPDX-License-Identifier: MIT */
#include "prov.h"

#include <stdlib.h>
#include <string.h>

static void *keep(struct wn_prov_arena *arena, size_t n, size_t size)
{
    if (arena->n == arena->max) {
        int max = arena->max ? arena->max * 2 : 256;
        void **block = wn_regrow(arena->block, (size_t)max, sizeof(*block));

        if (!block)
            return NULL;
        arena->block = block;
        arena->max = max;
    }
    void *p = wn_calloc(n, size);
    if (p)
        arena->block[arena->n++] = p;
    return p;
}

void wn_prov_finish(struct wn_prov_arena *arena)
{
    for (int i = 0; i < arena->n; i++)
        free(arena->block[i]);
    free(arena->block);
    wn_sets_destroy(&arena->sets);
    *arena = (struct wn_prov_arena){0};
}

struct wn_prov *wn_prov_new(struct wn_prov_arena *arena, int64_t run, const int64_t ne[4],
                            const bool alike[4])
{
    struct wn_prov *p = keep(arena, 1, sizeof(*p));
    int64_t n = 1;

    if (!p)
        return NULL;
    p->run = run;
    for (int d = 0; d < 4; d++) {
        p->ne[d] = ne[d];
        p->st[d] = alike[d] ? 0 : n;
        n *= alike[d] ? 1 : ne[d];
    }
    p->set = keep(arena, (size_t)n, sizeof(*p->set));
    return p->set ? p : NULL;
}

struct wn_prov *wn_prov_copy(struct wn_prov_arena *arena, const struct wn_prov *p)
{
    struct wn_prov *q = keep(arena, 1, sizeof(*q));

    if (q)
        *q = *p;
    return q;
}

/* At run i0. */
static int32_t *cell(const struct wn_prov *p, int64_t i0, int64_t i1, int64_t i2, int64_t i3)
{
    return p->set + p->off + i0 * p->st[0] + i1 * p->st[1] + i2 * p->st[2] + i3 * p->st[3];
}

int32_t wn_prov_at(const struct wn_prov *p, int64_t i0, int64_t i1, int64_t i2, int64_t i3)
{
    return *cell(p, i0 / p->run, i1, i2, i3);
}

struct wn_prov *wn_prov_unknown(struct wn_prov_arena *arena, const int64_t ne[4])
{
    const bool alike[4] = {true, true, true, true};
    struct wn_prov *p = wn_prov_new(arena, 1, ne, alike);

    if (p)
        p->set[0] = WN_SET_UNKNOWN;
    return p;
}

#define FOR_ALL(p, alike)                                                              \
    for (int64_t i3 = 0; i3 < ((alike)[3] ? 1 : (p)->ne[3]); i3++)                      \
        for (int64_t i2 = 0; i2 < ((alike)[2] ? 1 : (p)->ne[2]); i2++)                  \
            for (int64_t i1 = 0; i1 < ((alike)[1] ? 1 : (p)->ne[1]); i1++)              \
                for (int64_t i0 = 0; i0 < ((alike)[0] ? 1 : (p)->ne[0]); i0++)

/* The same with shorter runs; `run` divides p->run. */
static struct wn_prov *shorten(struct wn_prov_arena *arena, const struct wn_prov *p, int64_t run)
{
    const int64_t k = p->run / run;
    const int64_t ne[4] = {p->ne[0] * k, p->ne[1], p->ne[2], p->ne[3]};

    if (k == 1 || p->ne[0] == 1 || p->st[0] == 0) {
        struct wn_prov *q = wn_prov_copy(arena, p);

        if (q && k > 1) {
            q->run = run;
            q->ne[0] = ne[0];
            q->st[0] = 0;
        }
        return q;
    }
    const bool alike[4] = {false, !p->st[1], !p->st[2], !p->st[3]};
    struct wn_prov *q = wn_prov_new(arena, run, ne, alike);
    if (!q)
        return NULL;
    FOR_ALL(q, alike)
        *cell(q, i0, i1, i2, i3) = *cell(p, i0 / k, i1, i2, i3);
    return q;
}

struct wn_prov *wn_prov_permute(struct wn_prov_arena *arena, const struct wn_prov *p,
                                const int32_t axis[4])
{
    struct wn_prov *q;

    if (axis[0] == 0)
        q = wn_prov_copy(arena, p);
    else
        q = shorten(arena, p, 1);
    if (!q)
        return NULL;
    const struct wn_prov from = *q;
    for (int d = 0; d < 4; d++) {
        q->ne[axis[d]] = from.ne[d];
        q->st[axis[d]] = from.st[d];
    }
    return q;
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;

        a = b;
        b = t;
    }
    return a;
}

/* Whether neighbours of p's order can be counted through as `ne` without a copy; fills st. Old
 * dimensions are matched with new ones in groups of equal size. */
static bool restride(const struct wn_prov *p, const int64_t ne[4], int64_t st[4])
{
    int64_t old_ne[4], old_st[4];
    int n_old = 0;

    for (int d = 0; d < 4; d++)
        if (p->ne[d] != 1) {
            old_ne[n_old] = p->ne[d];
            old_st[n_old++] = p->st[d];
        }
    for (int d = 0; d < 4; d++)
        st[d] = 0;
    for (int o = 0, d = 0; o < n_old && d < 4;) {
        int o_end = o + 1, d_end = d + 1;
        int64_t n_o = old_ne[o], n_d = ne[d];

        while (n_o != n_d) {
            if (n_o < n_d) {
                if (o_end == n_old)
                    return false;
                n_o *= old_ne[o_end++];
            } else {
                if (d_end == 4)
                    return false;
                n_d *= ne[d_end++];
            }
        }
        for (int i = o; i + 1 < o_end; i++)
            if (old_st[i + 1] != old_st[i] * old_ne[i])
                return false;
        st[d] = old_st[o];
        for (int i = d + 1; i < d_end; i++)
            st[i] = st[i - 1] * ne[i - 1];
        o = o_end;
        d = d_end;
    }
    return true;
}

struct wn_prov *wn_prov_reshape(struct wn_prov_arena *arena, const struct wn_prov *p,
                                const int64_t ne[4])
{
    const bool none[4] = {false};
    struct wn_prov *q = shorten(arena, p, gcd(p->run, ne[0]));
    int64_t units[4] = {0}, st[4];

    if (!q)
        return NULL;
    for (int d = 0; d < 4; d++)
        units[d] = d ? ne[d] : ne[0] / q->run;
    if (!restride(q, units, st)) {
        struct wn_prov *flat = wn_prov_new(arena, q->run, q->ne, none);

        if (!flat)
            return NULL;
        FOR_ALL(q, none)
            *cell(flat, i0, i1, i2, i3) = *cell(q, i0, i1, i2, i3);
        q = flat;
        if (!restride(q, units, st))
            return wn_prov_unknown(arena, ne);
    }
    memcpy(q->ne, units, sizeof(units));
    memcpy(q->st, st, sizeof(st));
    return q;
}

struct wn_prov *wn_prov_join(struct wn_prov_arena *arena, const struct wn_prov *p, int64_t ne0)
{
    const int64_t ne[4] = {1, p->ne[1], p->ne[2], p->ne[3]};
    const bool alike[4] = {true, !p->st[1], !p->st[2], !p->st[3]};
    struct wn_prov *q;

    if (p->ne[0] == 1 || p->st[0] == 0) {
        q = wn_prov_copy(arena, p);
        if (q) {
            q->ne[0] = 1;
            q->run = ne0;
        }
        return q;
    }
    q = wn_prov_new(arena, ne0, ne, alike);
    if (!q)
        return NULL;
    FOR_ALL(q, alike) {
        int32_t set = WN_SET_EMPTY;

        for (int64_t k = 0; k < p->ne[0]; k++)
            set = wn_sets_union(arena->sets, set, *cell(p, k, i1, i2, i3));
        *cell(q, 0, i1, i2, i3) = set;
    }
    return q;
}

static bool same(const struct wn_prov *a, const struct wn_prov *b)
{
    return a->run == b->run && a->set == b->set && a->off == b->off &&
           !memcmp(a->ne, b->ne, sizeof(a->ne)) && !memcmp(a->st, b->st, sizeof(a->st));
}

struct wn_prov *wn_prov_union(struct wn_prov_arena *arena, const struct wn_prov *a,
                              const struct wn_prov *b)
{
    if (same(a, b))
        return wn_prov_copy(arena, a);
    const int64_t full[4] = {a->run * a->ne[0], a->ne[1], a->ne[2], a->ne[3]};
    const int64_t run = b->run * b->ne[0] == 1 ? a->run : gcd(a->run, b->run);
    struct wn_prov *x = shorten(arena, a, run);
    struct wn_prov *y = b->run * b->ne[0] == 1 ? wn_prov_copy(arena, b) : shorten(arena, b, run);
    bool alike[4];

    if (!x || !y)
        return NULL;
    for (int d = 0; d < 4; d++) {
        if (y->ne[d] == 1)
            y->st[d] = 0;
        else if (y->ne[d] != x->ne[d])
            return wn_prov_unknown(arena, full);
        alike[d] = !x->st[d] && !y->st[d];
    }
    struct wn_prov *q = wn_prov_new(arena, run, x->ne, alike);
    if (!q)
        return NULL;
    FOR_ALL(q, alike)
        *cell(q, i0, i1, i2, i3) = wn_sets_union(arena->sets, *cell(x, i0, i1, i2, i3),
                                                 *cell(y, i0, i1, i2, i3));
    return q;
}

struct wn_prov *wn_prov_window(struct wn_prov_arena *arena, const struct wn_prov *p,
                               const int64_t ne[4], const int64_t from[4])
{
    const int64_t run = gcd(gcd(p->run, ne[0]), from[0] < 0 ? -from[0] : from[0]);
    struct wn_prov *x = shorten(arena, p, run);
    const int64_t units[4] = {ne[0] / run, ne[1], ne[2], ne[3]};
    const int64_t at[4] = {from[0] / run, from[1], from[2], from[3]};
    bool alike[4], inside = true;

    if (!x)
        return NULL;
    for (int d = 0; d < 4; d++) {
        bool in = at[d] >= 0 && at[d] + units[d] <= x->ne[d];

        inside = inside && in;
        alike[d] = in && !x->st[d];
    }
    if (inside) {
        for (int d = 0; d < 4; d++)
            x->off += at[d] * x->st[d];
        memcpy(x->ne, units, sizeof(units));
        return x;
    }
    struct wn_prov *q = wn_prov_new(arena, run, units, alike);
    if (!q)
        return NULL;
    FOR_ALL(q, alike) {
        const int64_t i[4] = {i0 + at[0], i1 + at[1], i2 + at[2], i3 + at[3]};
        bool in = true;

        for (int d = 0; d < 4; d++)
            in = in && i[d] >= 0 && i[d] < x->ne[d];
        if (in)
            *cell(q, i0, i1, i2, i3) = *cell(x, i[0], i[1], i[2], i[3]);
    }
    return q;
}
