/* SPDX-License-Identifier: MIT */
/* Indexes kept on disk: one file each in the folder `packets` of the cache directory, named by what
 * they were made of. Nothing in it is believed before its checksum and every number was checked,
 * and stamps and sizes are compared again when packets are read by them. */
#include "index_parts.h"

#include <libavformat/avformat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x3378646e69776e77u /* "wnwindx3" */
#define SAMPLE (64 << 10)         /* of the file's head and tail */
#define MOST_BYTES (64 << 20)     /* of the whole folder */
/* What is read again sooner than it is found is not kept. */
#define LEAST_PACKETS 20000
#define LEAST_BYTES (4 << 20)

struct head {
    uint64_t magic, key[2], checksum; /* of all that follows it */
    int64_t n, n_frames, n_gops, bytes, start, n_bits;
    int32_t base[2];
    uint32_t regular, places;
};

/* What the index is an index of: name, size and time of change, the bytes at both ends. */
static int make_key(uint64_t key[2], const struct wn_packets_params *p)
{
    struct stat st;
    const int fd = open(p->url, O_RDONLY | O_CLOEXEC);
    uint8_t *sample = wn_calloc(2, SAMPLE);
    char *path = realpath(p->url, NULL);
    int err = WN_EOF;

    if (fd < 0 || !sample || !path || fstat(fd, &st) || !S_ISREG(st.st_mode))
        goto fail;
    const ssize_t head = pread(fd, sample, SAMPLE, 0);
    const off_t last = st.st_size > SAMPLE ? st.st_size - SAMPLE : 0;
    const ssize_t tail = pread(fd, sample + SAMPLE, SAMPLE, last);
    if (head < 0 || tail < 0)
        goto fail;
    const int64_t facts[] = {
        (int64_t)st.st_size,      (int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec,
        (int64_t)p->stream,       (int64_t)p->codec,          p->start,
        (int64_t)avformat_version(),
    };
    for (int i = 0; i < 2; i++) {
        key[i] = wn_hash64(path, strlen(path), (uint64_t)i);
        key[i] = wn_hash64(facts, sizeof(facts), key[i]);
        key[i] = wn_hash64(sample, 2 * (size_t)SAMPLE, key[i]);
    }
    err = WN_OK;
fail:
    if (fd >= 0)
        close(fd);
    free(path);
    free(sample);
    return err;
}

static char *folder_name(const struct wn_packets_params *p)
{
    return p->cache_dir ? wn_sprintf("%s/packets", p->cache_dir) : NULL;
}

static char *file_name(const char *folder, const uint64_t key[2])
{
    return folder ? wn_sprintf("%s/%016" PRIx64 "%016" PRIx64 ".index", folder, key[0], key[1])
                  : NULL;
}

/* The arrays one after the other. */
struct part {
    void **data;
    size_t size;
};

#define PARTS 5

static void parts_of(struct wn_packets *x, bool places, struct part part[PARTS])
{
    const size_t blocks = ((size_t)x->n + WN_INDEX_BLOCK - 1) / WN_INDEX_BLOCK;
    const size_t gops = (size_t)x->n_gops;

    part[0] = (struct part){(void **)&x->block, blocks * sizeof(*x->block)};
    part[1] = (struct part){(void **)&x->bits.data, (size_t)x->bits.n / 8 + 16};
    part[2] = (struct part){(void **)&x->key, gops * sizeof(*x->key)};
    part[3] = (struct part){(void **)&x->lag, gops * sizeof(*x->lag)};
    part[4] = (struct part){(void **)&x->pos, places ? gops * sizeof(*x->pos) : 0};
}

static uint64_t checksum(struct wn_packets *x, const struct head *h)
{
    struct part part[PARTS];
    uint64_t sum = wn_hash64(&h->n, sizeof(*h) - offsetof(struct head, n), h->key[0]);

    parts_of(x, h->places == 1, part);
    for (int i = 0; i < PARTS; i++)
        sum = wn_hash64(*part[i].data, part[i].size, sum);
    return sum;
}

static bool is_sane(const struct wn_packets *x)
{
    if (x->n_frames < 0 || x->n_frames > x->n || x->bytes < 0 || x->base.num <= 0 ||
        x->base.den <= 0)
        return false;
    for (int64_t g = 0; g < x->n_gops; g++)
        if (x->key[g] >= x->n || (g && x->key[g] <= x->key[g - 1]))
            return false;
    for (int64_t i = 0; i < x->n; i += WN_INDEX_BLOCK) {
        const struct wn_packet_block *b = &x->block[i / WN_INDEX_BLOCK];
        const int n = (int)WN_MIN(x->n - i, WN_INDEX_BLOCK);
        if (!wn_run_fits(&x->bits, &b->size, n) || !wn_run_fits(&x->bits, &b->stamp, n))
            return false;
    }
    return !x->regular || (x->n_gops > 0 && x->key[0] == 0 && x->n_frames > 0);
}

static int read_parts(struct wn_packets *x, FILE *f, const struct head *h)
{
    const int n_parts = h->places == 1 ? PARTS : PARTS - 1; /* else its pointer stays empty */
    struct part part[PARTS];

    x->n = h->n;
    x->n_frames = h->n_frames;
    x->n_gops = h->n_gops;
    x->bytes = h->bytes;
    x->start = h->start;
    x->base = (AVRational){h->base[0], h->base[1]};
    x->regular = h->regular == 1;
    x->bits.n = h->n_bits;
    x->bits.room = h->n_bits / 8 + 16;
    parts_of(x, h->places == 1, part);
    for (int i = 0; i < n_parts; i++) {
        *part[i].data = wn_calloc(1, part[i].size + 1);
        if (!*part[i].data || fread(*part[i].data, 1, part[i].size, f) != part[i].size)
            return WN_EOF;
    }
    return fgetc(f) == EOF && checksum(x, h) == h->checksum && is_sane(x) ? WN_OK : WN_EOF;
}

static int read_file(struct wn_packets *x, const char *name, const uint64_t key[2])
{
    FILE *f = fopen(name, "rb");
    struct head h;
    struct stat st;
    int err = WN_EOF;

    if (!f)
        return WN_EOF;
    if (fread(&h, sizeof(h), 1, f) == 1 && h.magic == MAGIC && h.key[0] == key[0] &&
        h.key[1] == key[1] && h.n > 0 && h.n <= WN_INDEX_MOST && h.n_gops >= 0 &&
        h.n_gops <= h.n && !fstat(fileno(f), &st) && st.st_size <= MOST_BYTES &&
        h.n_bits >= 0 && h.n_bits / 8 < (int64_t)st.st_size &&
        h.n / WN_INDEX_BLOCK * (int64_t)sizeof(struct wn_packet_block) < (int64_t)st.st_size)
        err = read_parts(x, f, &h);
    if (!err)
        futimens(fileno(f), NULL); /* used just now: the last to go; only a hint */
    fclose(f);
    return err;
}

int wn_index_cache_get(struct wn_packets *x, const struct wn_packets_params *params)
{
    uint64_t key[2];
    char *folder = folder_name(params);
    struct stat st;
    int err = WN_EOF;

    if (folder && !stat(folder, &st) && !make_key(key, params)) {
        char *name = file_name(folder, key);
        if (name)
            err = read_file(x, name, key);
        free(name);
    }
    free(folder);
    if (err) {
        struct part part[PARTS];
        parts_of(x, true, part);
        for (int i = 0; i < PARTS; i++)
            free(*part[i].data);
        memset(x, 0, sizeof(*x));
    }
    return err;
}

/* ---- keeping ---- */

static bool write_file(struct wn_packets *x, struct head *h, const char *part_name)
{
    const int fd = open(part_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    struct part part[PARTS];
    parts_of(x, h->places == 1, part);

    if (!f) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    h->checksum = checksum(x, h);
    bool good = fwrite(h, sizeof(*h), 1, f) == 1;
    for (int i = 0; i < PARTS; i++)
        good = good && (!part[i].size ||
                        fwrite(*part[i].data, 1, part[i].size, f) == part[i].size);
    return (fclose(f) == 0) & good;
}

/* The one used longest ago, and the bytes of all. */
static char *oldest(const char *folder, int64_t *bytes)
{
    DIR *dir = opendir(folder);
    char *found = NULL;
    struct timespec when = {0};

    *bytes = 0;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        struct stat st;
        char *name = *e->d_name != '.' ? wn_sprintf("%s/%s", folder, e->d_name) : NULL;
        if (!name || stat(name, &st) || !S_ISREG(st.st_mode)) {
            free(name);
            continue;
        }
        *bytes += (int64_t)st.st_size + 512;
        if (!found || st.st_mtim.tv_sec < when.tv_sec ||
            (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec)) {
            free(found);
            found = name;
            name = NULL;
            when = st.st_mtim;
        }
        free(name);
    }
    if (dir)
        closedir(dir);
    return found;
}

static void make_place(const char *folder)
{
    for (int i = 0; i < 1000; i++) {
        int64_t bytes;
        char *name = oldest(folder, &bytes);
        const bool full = name && bytes > MOST_BYTES;
        if (full)
            remove(name);
        free(name);
        if (!full)
            break;
    }
}

void wn_index_cache_put(const struct wn_packets *packets, const struct wn_packets_params *params)
{
    struct wn_packets x = *packets;
    struct head h = {
        .magic = MAGIC,
        .n = x.n,
        .n_frames = x.n_frames,
        .n_gops = x.n_gops,
        .bytes = x.bytes,
        .n_bits = x.bits.n,
        .start = x.start,
        .base = {x.base.num, x.base.den},
        .regular = x.regular,
        .places = x.pos != NULL,
    };
    char *folder = NULL, *name = NULL, *part = NULL;

    if (!params->cache_dir || x.n == 0 || x.n >= WN_INDEX_MOST / 2 ||
        (x.n < LEAST_PACKETS && x.bytes < LEAST_BYTES) || make_key(h.key, params))
        return;
    folder = folder_name(params);
    name = file_name(folder, h.key);
    part = name ? wn_sprintf("%s.%ld-%p.part", name, (long)getpid(), (void *)&h) : NULL;
    if (part && (!mkdir(folder, 0700) || errno == EEXIST)) {
        if (!write_file(&x, &h, part) || rename(part, name))
            remove(part);
        make_place(folder);
    }
    free(part);
    free(name);
    free(folder);
}
