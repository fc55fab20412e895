/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHUNKS = 1024 }; /* parts of one picture; real models make a few dozen */

mtmd_input_chunks *wn_unit_chunks(const struct wn_mtmd *m, const uint8_t *const *rgb, int n,
                                  int32_t width, int32_t height)
{
    mtmd_bitmap *bitmap[2] = {NULL};
    struct mtmd_input_part part[2] = {{0}};
    const struct mtmd_input_part *parts[2] = {&part[0], &part[1]};
    mtmd_input_chunks *chunks = mtmd_input_chunks_init();

    for (int i = 0; i < n; i++) {
        bitmap[i] = mtmd_bitmap_init((uint32_t)width, (uint32_t)height, rgb[i]);
        if (n > 1)
            mtmd_bitmap_set_mergeable(bitmap[i], true);
        part[i].bitmap = bitmap[i];
    }
    if (mtmd_tokenize_from_parts(m->ctx, chunks, parts, (size_t)n, false)) {
        mtmd_input_chunks_free(chunks);
        chunks = NULL;
    }
    for (int i = 0; i < n; i++)
        mtmd_bitmap_free(bitmap[i]);
    return chunks;
}

/* Red tells the column and green the row, so that a tile's pixels tell where it was cut; blue tells
 * the picture from padding. */
static uint8_t *chart(int32_t width, int32_t height)
{
    uint8_t *rgb = wn_calloc((size_t)width * 3, (size_t)height);

    for (int32_t y = 0; rgb && y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            uint8_t *p = rgb + ((size_t)y * (size_t)width + (size_t)x) * 3;

            p[0] = (uint8_t)(width > 1 ? (int64_t)x * 255 / (width - 1) : 0);
            p[1] = (uint8_t)(height > 1 ? (int64_t)y * 255 / (height - 1) : 0);
            p[2] = 255;
        }
    return rgb;
}

static int trace_chunk(struct wn_mtmd *m, const mtmd_input_chunk *chunk, struct wn_graph_map **out)
{
    int err = WN_ERR_NOMEM;

    m->hook = (struct wn_hook){.trace = wn_trace_create()};
    if (!m->hook.trace)
        return wn_nomem(m->log, "the trace of a graph");
    const int failed = mtmd_encode_chunk(m->ctx, chunk);
    err = wn_trace_finish(&m->hook.trace, out);
    if (failed) {
        wn_graph_map_destroy(out);
        return wn_fail(m->log, WN_ERR_MODEL, "libmtmd cannot encode a picture with this model");
    }
    return err < 0 ? wn_nomem(m->log, "the trace of a graph") : WN_OK;
}

static bool is_image(const mtmd_input_chunk *chunk)
{
    return mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_IMAGE;
}

static int trace_all(struct wn_unit *u, struct wn_mtmd *m, const mtmd_input_chunks *chunks)
{
    const size_t n = mtmd_input_chunks_size(chunks);
    int err = WN_OK;

    if (n > MAX_CHUNKS)
        return wn_fail(m->log, WN_ERR_LIMIT, "libmtmd cuts a %d x %d picture in %zu parts",
                       u->width, u->height, n);
    u->map = wn_calloc(n, sizeof(*u->map));
    if (!u->map)
        return wn_nomem(m->log, "a layout");
    for (size_t i = 0; i < n; i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, i);

        if (!is_image(chunk))
            continue;
        TRY(trace_chunk(m, chunk, &u->map[u->n_chunks]));
        const struct wn_graph_map *map = u->map[u->n_chunks++];
        if ((size_t)map->n_rows != mtmd_input_chunk_get_n_tokens(chunk))
            return wn_fail(m->log, WN_ERR_MODEL, "libmtmd says %zu rows, its graph gives %d",
                           mtmd_input_chunk_get_n_tokens(chunk), map->n_rows);
    }
    if (!u->n_chunks)
        return wn_fail(m->log, WN_ERR_MODEL, "libmtmd makes no rows of a %d x %d picture", u->width,
                       u->height);
fail:
    return err;
}

static int add_part(struct wn_layout *layout, const mtmd_input_chunk *text)
{
    struct wn_layout_part *part = &layout->parts[layout->n_parts++];
    size_t n = 0;

    part->row0 = layout->n_rows;
    if (!text)
        return WN_OK;
    const llama_token *tokens = mtmd_input_chunk_get_tokens_text(text, &n);
    part->tokens = wn_calloc(n, sizeof(*part->tokens));
    if (!part->tokens)
        return WN_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        part->tokens[i] = tokens[i];
    part->n_tokens = (int32_t)n;
    return WN_OK;
}

static void add_rows(struct wn_layout *layout, const struct wn_mtmd *m,
                     const mtmd_input_chunk *chunk)
{
    struct wn_layout_part *part = &layout->parts[layout->n_parts - 1];
    const mtmd_image_tokens *image = mtmd_input_chunk_get_tokens_image(chunk);

    part->n_rows = (int32_t)mtmd_input_chunk_get_n_tokens(chunk);
    part->n_pos = mtmd_input_chunk_get_n_pos(chunk);
    part->non_causal = mtmd_decode_use_non_causal(m->ctx, chunk);
    for (int32_t i = 0; layout->mpos && i < part->n_rows; i++) {
        const struct mtmd_decoder_pos p = mtmd_image_tokens_get_decoder_pos(image, 0, (size_t)i);
        int32_t *to = layout->mpos[layout->n_rows + i];

        to[0] = (int32_t)p.t;
        to[1] = (int32_t)p.y;
        to[2] = (int32_t)p.x;
        to[3] = (int32_t)p.z;
    }
    layout->n_rows += part->n_rows;
}

static int fill_parts(struct wn_unit *u, const struct wn_mtmd *m, const mtmd_input_chunks *chunks)
{
    const size_t n = mtmd_input_chunks_size(chunks);
    struct wn_layout *layout = u->layout;
    bool open = false; /* the last part still waits for its rows */
    int err = WN_OK;

    for (size_t i = 0; i < n; i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, i);

        if (!is_image(chunk)) {
            TRY(add_part(layout, chunk));
            u->n_tokens += layout->parts[layout->n_parts - 1].n_tokens;
            open = true;
            continue;
        }
        if (!open)
            TRY(add_part(layout, NULL));
        open = false;
        add_rows(layout, m, chunk);
    }
fail:
    return err;
}

struct tile {
    float x, y, w, h; /* centre and size as shares of the picture */
    bool whole;       /* shows all of it */
};

static void find_tiles(const struct wn_unit *u, struct tile *tile)
{
    float lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};

    for (int32_t c = 0; c < u->n_chunks; c++)
        for (int e = 0; e < 4; e++) {
            lo[e / 2] = fminf(lo[e / 2], u->map[c]->seen[e]);
            hi[e / 2] = fmaxf(hi[e / 2], u->map[c]->seen[e]);
        }
    const float sx = hi[0] > lo[0] ? hi[0] - lo[0] : 1, sy = hi[1] > lo[1] ? hi[1] - lo[1] : 1;
    for (int32_t c = 0; c < u->n_chunks; c++) {
        const float *e = u->map[c]->edge, *s = u->map[c]->seen;

        tile[c] = (struct tile){
            (e[0] + e[1]) / 2 / sx, (e[2] + e[3]) / 2 / sy, (e[1] - e[0]) / sx, (e[3] - e[2]) / sy,
            s[1] - s[0] > 0.9f * sx && s[3] - s[2] > 0.9f * sy,
        };
    }
}

/* How many different columns (or rows) of tiles lie before tile c; *n of all. */
static int32_t rank(const struct wn_unit *u, const struct tile *tile, int32_t c, bool row,
                    int32_t *n)
{
    int32_t before = 0;

    *n = 0;
    for (int32_t i = 0; i < u->n_chunks; i++) {
        const float at = row ? tile[i].y : tile[i].x, size = row ? tile[i].h : tile[i].w;
        bool first = !tile[i].whole;

        for (int32_t k = 0; k < i && first; k++)
            first = tile[k].whole || fabsf((row ? tile[k].y : tile[k].x) - at) > size / 4;
        *n += first;
        before += first && at < (row ? tile[c].y : tile[c].x) - size / 4;
    }
    return before;
}

/* Tiles side by side make one grid; a view of the whole picture beside them is outside of it. */
static void place_tiles(struct wn_unit *u, const struct tile *tile)
{
    struct wn_layout *layout = u->layout;
    int32_t row0 = 0, n_tiles = 0, rows = 1, cols = 1, gh = 0, gw = 0;
    bool fits = true;

    for (int32_t c = 0; c < u->n_chunks; c++) {
        if (tile[c].whole)
            continue;
        fits = fits && u->map[c]->grid_h && (!n_tiles || (gh == u->map[c]->grid_h &&
                                                          gw == u->map[c]->grid_w));
        gh = u->map[c]->grid_h;
        gw = u->map[c]->grid_w;
        rank(u, tile, c, true, &rows);
        rank(u, tile, c, false, &cols);
        n_tiles++;
    }
    fits = fits && n_tiles == rows * cols;
    for (int32_t c = 0; c < u->n_chunks; c++) {
        const struct wn_graph_map *map = u->map[c];
        int32_t n;
        const int32_t r = rank(u, tile, c, true, &n), k = rank(u, tile, c, false, &n);

        for (int32_t i = 0; i < map->n_rows; i++) {
            const bool in = fits && !tile[c].whole && map->pos[i][0] >= 0;

            layout->pos[row0 + i][0] = in ? r * gh + map->pos[i][0] : -1;
            layout->pos[row0 + i][1] = in ? k * gw + map->pos[i][1] : -1;
        }
        row0 += map->n_rows;
    }
    layout->grid_h = fits ? rows * gh : 0;
    layout->grid_w = fits ? cols * gw : 0;
}

/* Which rows are of which tile, where a view of the whole and tiles of its shape make them. */
static int number_tiles(struct wn_unit *u, const struct tile *tile)
{
    struct wn_layout *l = u->layout;
    int32_t whole = -1, n_whole = 0, row0 = 0, rows, cols;

    for (int32_t c = 0; c < u->n_chunks; c++) {
        whole = tile[c].whole ? c : whole;
        n_whole += tile[c].whole;
    }
    rank(u, tile, 0, true, &rows);
    rank(u, tile, 0, false, &cols);
    if (n_whole != 1 || !l->grid_h || l->grid_h != rows * u->map[whole]->grid_h ||
        l->grid_w != cols * u->map[whole]->grid_w)
        return WN_OK;
    l->tile = wn_calloc((size_t)l->n_rows, sizeof(*l->tile));
    l->tile_pos = wn_calloc((size_t)l->n_rows, sizeof(*l->tile_pos));
    if (!l->tile || !l->tile_pos)
        return WN_ERR_NOMEM;
    l->tiles_h = rows;
    l->tiles_w = cols;
    l->tile_h = u->map[whole]->grid_h;
    l->tile_w = u->map[whole]->grid_w;
    for (int32_t c = 0; c < u->n_chunks; row0 += u->map[c++]->n_rows) {
        const int32_t r = rank(u, tile, c, true, &rows), k = rank(u, tile, c, false, &cols);

        for (int32_t i = 0; i < u->map[c]->n_rows; i++) {
            const int32_t *pos = u->map[c]->pos[i];
            l->tile[row0 + i] = pos[0] < 0 ? -1 : tile[c].whole ? 0 : 1 + r * cols + k;
            memcpy(l->tile_pos[row0 + i], pos, sizeof(l->tile_pos[0]));
        }
    }
    return WN_OK;
}

/* The last view of the whole picture is the grid where there are no tiles. */
static int place(struct wn_unit *u)
{
    struct tile *tile = wn_calloc((size_t)u->n_chunks, sizeof(*tile));
    bool tiles = false;

    if (!tile)
        return WN_ERR_NOMEM;
    find_tiles(u, tile);
    for (int32_t c = 0; c < u->n_chunks; c++)
        tiles |= !tile[c].whole;
    if (u->n_chunks == 1 || !tiles)
        tile[u->n_chunks - 1].whole = false;
    place_tiles(u, tile);
    const int err = tiles ? number_tiles(u, tile) : WN_OK;
    free(tile);
    return err;
}

static int fill(struct wn_unit *u, struct wn_mtmd *m, const mtmd_input_chunks *chunks)
{
    size_t n_rows = 0, n_chunks = mtmd_input_chunks_size(chunks);
    int err = WN_ERR_NOMEM;

    for (size_t i = 0; i < n_chunks; i++)
        if (is_image(mtmd_input_chunks_get(chunks, i)))
            n_rows += mtmd_input_chunk_get_n_tokens(mtmd_input_chunks_get(chunks, i));
    u->layout = wn_calloc(1, sizeof(*u->layout));
    if (!u->layout)
        goto fail;
    atomic_init(&u->layout->refs, 1);
    u->layout->pos = wn_calloc(n_rows, sizeof(*u->layout->pos));
    u->layout->parts = wn_calloc(n_chunks, sizeof(*u->layout->parts));
    if (!u->layout->pos || !u->layout->parts)
        goto fail;
    if (mtmd_decode_use_mrope(m->ctx)) {
        u->layout->mpos = wn_calloc(n_rows, sizeof(*u->layout->mpos));
        if (!u->layout->mpos)
            goto fail;
    }
    TRY(fill_parts(u, m, chunks));
    TRY(place(u));
    return WN_OK;
fail:
    return wn_nomem(m->log, "a layout");
}

int wn_unit_create(struct wn_unit **out, struct wn_mtmd *m, int32_t width, int32_t height,
                   bool pair)
{
    struct wn_unit *u = wn_calloc(1, sizeof(*u));
    uint8_t *rgb = chart(width, height);
    const uint8_t *both[2] = {rgb, rgb};
    mtmd_input_chunks *chunks = NULL;
    int err = WN_ERR_NOMEM;

    if (!u || !rgb) {
        wn_nomem(m->log, "a layout");
        goto fail;
    }
    u->width = width;
    u->height = height;
    u->pair = pair;
    chunks = wn_unit_chunks(m, both, pair ? 2 : 1, width, height);
    if (!chunks) {
        err = wn_fail(m->log, WN_ERR_UNSUPPORTED, "libmtmd cannot take a picture of %d x %d", width,
                      height);
        goto fail;
    }
    TRY(trace_all(u, m, chunks));
    TRY(fill(u, m, chunks));
    *out = u;
    u = NULL;
fail:
    if (chunks)
        mtmd_input_chunks_free(chunks);
    free(rgb);
    wn_unit_destroy(&u);
    return err;
}

void wn_unit_destroy(struct wn_unit **unit)
{
    struct wn_unit *u = *unit;

    if (!u)
        return;
    for (int32_t c = 0; u->map && c < u->n_chunks; c++)
        wn_graph_map_destroy(&u->map[c]);
    free(u->map);
    wn_layout_unref(&u->layout);
    free(u);
    *unit = NULL;
}
