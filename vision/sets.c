/* SPDX-License-Identifier: MIT */
#include "sets.h"

#include <stdlib.h>
#include <string.h>

struct wn_sets {
    int32_t *item;       /* members of all composite sets, one set after the other */
    int32_t *start;      /* [n + 1] */
    int n, max, max_items;
    struct pair {
        int32_t a, b, out; /* a 0: free */
    } *cache;            /* unions made before, open addressing */
    size_t n_cache, cache_size;
    int32_t *table;      /* composite sets by content, open addressing; -1: free */
    size_t table_size;
};

enum { FIRST_COMPOSITE = WN_MAX_SOURCES + 1 };

struct wn_sets *wn_sets_create(void)
{
    struct wn_sets *s = wn_calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->max = 1 << 10;
    s->max_items = 1 << 13;
    s->cache_size = s->table_size = 1 << 12;
    s->item = wn_calloc((size_t)s->max_items, sizeof(*s->item));
    s->start = wn_calloc((size_t)s->max + 1, sizeof(*s->start));
    s->cache = wn_calloc(s->cache_size, sizeof(*s->cache));
    s->table = wn_calloc(s->table_size, sizeof(*s->table));
    if (!s->item || !s->start || !s->cache || !s->table) {
        wn_sets_destroy(&s);
        return NULL;
    }
    memset(s->table, -1, s->table_size * sizeof(*s->table));
    return s;
}

void wn_sets_destroy(struct wn_sets **sets)
{
    if (!*sets)
        return;
    free((*sets)->item);
    free((*sets)->start);
    free((*sets)->cache);
    free((*sets)->table);
    free(*sets);
    *sets = NULL;
}

const int32_t *wn_sets_members(const struct wn_sets *sets, int32_t set, int32_t *scratch, int *n)
{
    *n = set == WN_SET_UNKNOWN ? -1 : set == WN_SET_EMPTY ? 0 : 1;
    if (set < FIRST_COMPOSITE) {
        *scratch = set - 1;
        return scratch;
    }
    set -= FIRST_COMPOSITE;
    *n = sets->start[set + 1] - sets->start[set];
    return sets->item + sets->start[set];
}

static int merge(int32_t *out, const int32_t *a, int na, const int32_t *b, int nb)
{
    int n = 0, i = 0, j = 0;

    while (i < na || j < nb) {
        int32_t next = j == nb || (i < na && a[i] <= b[j]) ? a[i] : b[j];

        if (n == WN_MAX_SET)
            return -1;
        out[n++] = next;
        i += i < na && a[i] == next;
        j += j < nb && b[j] == next;
    }
    return n;
}

static bool grow(struct wn_sets *s, int n_items)
{
    if (s->n == s->max) {
        int32_t *p = wn_regrow(s->start, (size_t)s->max * 2 + 1, sizeof(*p));

        if (!p)
            return false;
        s->start = p;
        s->max *= 2;
    }
    if (s->start[s->n] + n_items > s->max_items) {
        int32_t *p = wn_regrow(s->item, (size_t)s->max_items * 2, sizeof(*p));

        if (!p)
            return false;
        s->item = p;
        s->max_items *= 2;
    }
    return true;
}

static size_t slot_of(const struct wn_sets *s, const int32_t *item, int n)
{
    size_t at = wn_hash64(item, (size_t)n * sizeof(*item), 0) & (s->table_size - 1);

    for (; s->table[at] >= 0; at = (at + 1) & (s->table_size - 1)) {
        int32_t k = s->table[at];

        if (s->start[k + 1] - s->start[k] == n &&
            !memcmp(s->item + s->start[k], item, (size_t)n * sizeof(*item)))
            break;
    }
    return at;
}

static bool grow_table(struct wn_sets *s)
{
    int32_t *old = s->table, *bigger = wn_calloc(s->table_size * 2, sizeof(*bigger));

    if (!bigger)
        return false;
    memset(bigger, -1, s->table_size * 2 * sizeof(*bigger));
    s->table = bigger;
    s->table_size *= 2;
    for (int32_t k = 0; k < s->n; k++)
        s->table[slot_of(s, s->item + s->start[k], s->start[k + 1] - s->start[k])] = k;
    free(old);
    return true;
}

static int32_t intern(struct wn_sets *s, const int32_t *item, int n)
{
    size_t at = slot_of(s, item, n);

    if (s->table[at] >= 0)
        return FIRST_COMPOSITE + s->table[at];
    if (!grow(s, n) || ((size_t)s->n * 2 > s->table_size && !grow_table(s)))
        return WN_SET_UNKNOWN;
    memcpy(s->item + s->start[s->n], item, (size_t)n * sizeof(*item));
    s->start[s->n + 1] = s->start[s->n] + n;
    s->table[slot_of(s, item, n)] = s->n;
    return FIRST_COMPOSITE + s->n++;
}

static struct pair *find_pair(const struct wn_sets *s, int32_t a, int32_t b)
{
    int32_t key[2] = {a, b};
    size_t at = wn_hash64(key, sizeof(key), 0) & (s->cache_size - 1);

    while (s->cache[at].a && (s->cache[at].a != a || s->cache[at].b != b))
        at = (at + 1) & (s->cache_size - 1);
    return s->cache + at;
}

static void remember(struct wn_sets *s, int32_t a, int32_t b, int32_t out)
{
    if (s->n_cache * 2 > s->cache_size) {
        memset(s->cache, 0, s->cache_size * sizeof(*s->cache));
        s->n_cache = 0;
    }
    *find_pair(s, a, b) = (struct pair){a, b, out};
    s->n_cache++;
}

int32_t wn_sets_union(struct wn_sets *s, int32_t a, int32_t b)
{
    int32_t one[2], both[WN_MAX_SET];
    int na, nb;

    if (a == b || b == WN_SET_EMPTY || a == WN_SET_UNKNOWN)
        return a;
    if (a == WN_SET_EMPTY || b == WN_SET_UNKNOWN)
        return b;
    if (a > b) {
        int32_t swap = a;

        a = b;
        b = swap;
    }
    const struct pair *seen = find_pair(s, a, b);
    if (seen->a)
        return seen->out;
    const int32_t *ma = wn_sets_members(s, a, &one[0], &na);
    const int32_t *mb = wn_sets_members(s, b, &one[1], &nb);
    int n = merge(both, ma, na, mb, nb);
    int32_t out = n < 0 ? WN_SET_UNKNOWN : intern(s, both, n);
    remember(s, a, b, out);
    return out;
}
