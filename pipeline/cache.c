/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* st_mtim */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MAGIC "winnow-rows-1\n" /* with its zero 15 bytes, one more for what is to come */
#define ENDING ".rows"
#define PART ".part"
#define MOST_RECORD ((uint64_t)1 << 34)
#define ABOUT_BYTES 240
#define TAG_END 0xFFFFFFFFu

struct header {
    char magic[16];
    struct wn_key key;
    char about[ABOUT_BYTES];
    uint64_t check; /* of what stands before */
};

struct record {
    uint32_t tag, order; /* TAG_END: the last one, without bytes */
    uint64_t bytes;
    uint64_t check; /* of these, and of tag and order */
};

/* ---- keys ---- */

void wn_key_add(struct wn_key *key, const void *data, size_t n)
{
    const struct {
        struct wn_key key;
        uint64_t n, low, high;
    } all = {*key, n, XXH3_64bits_withSeed(data ? data : "", n, 1),
             XXH3_64bits_withSeed(data ? data : "", n, 2)};
    const XXH128_hash_t h = XXH3_128bits(&all, sizeof(all));

    *key = (struct wn_key){h.low64, h.high64};
}

void wn_key_add_text(struct wn_key *key, const char *text)
{
    wn_key_add(key, text, text ? strlen(text) + 1 : 0);
}

int wn_key_add_file(struct wn_key *key, const char *path)
{
    enum { SAMPLE = 1 << 16, SAMPLES = 16 };
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t *buf = wn_calloc(SAMPLE, 1);
    struct wn_key k = *key;
    struct stat st;
    int err = WN_ERR_IO;

    if (fd < 0 || !buf || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        goto fail;
    const int64_t head[] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
    wn_key_add(&k, head, sizeof(head));
    const int64_t room = st.st_size > SAMPLE ? st.st_size - SAMPLE : 0;
    for (int i = 0; i <= SAMPLES; i++) { /* the last one ends with the file */
        const int64_t at = i == SAMPLES ? room : room / SAMPLES * i;
        const ssize_t n = pread(fd, buf, SAMPLE, at);
        if (n < 0)
            goto fail;
        wn_key_add(&k, buf, (size_t)n);
    }
    *key = k;
    err = WN_OK;
fail:
    free(buf);
    if (fd >= 0)
        close(fd);
    return err;
}

/* ---- writing ---- */

struct wn_cache_writer {
    int fd;
    char *folder, *path, *part;
    uint32_t order;
    int64_t written;
};

static char *path_of(const char *folder, const struct wn_key *key)
{
    return wn_sprintf("%s/%016llx%016llx" ENDING, folder, (unsigned long long)key->high,
                      (unsigned long long)key->low);
}

static int write_all(struct wn_cache_writer *w, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        const ssize_t done = write(w->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return WN_ERR_IO;
        p += done;
        n -= (size_t)done;
        w->written += done;
    }
    return WN_OK;
}

void wn_cache_drop(struct wn_cache_writer **writer)
{
    struct wn_cache_writer *w = *writer;

    if (!w)
        return;
    if (w->part)
        unlink(w->part);
    if (w->fd >= 0)
        close(w->fd);
    free(w->folder);
    free(w->path);
    free(w->part);
    free(w);
    *writer = NULL;
}

static void fill_header(struct header *h, const struct wn_key *key, const char *about)
{
    memset(h, 0, sizeof(*h));
    memcpy(h->magic, MAGIC, sizeof(MAGIC));
    h->key = *key;
    snprintf(h->about, sizeof(h->about), "%s", about);
    h->check = XXH3_64bits(h, offsetof(struct header, check));
}

int wn_cache_create(struct wn_cache_writer **out, const char *folder, const struct wn_key *key,
                    const char *about)
{
    struct wn_cache_writer *w = wn_calloc(1, sizeof(*w));
    struct header h;
    int err = WN_ERR_NOMEM;

    if (!w)
        return err;
    w->fd = -1;
    mkdir(folder, 0700);
    w->folder = wn_strdup(folder);
    w->path = path_of(folder, key);
    char *name = w->path ? wn_sprintf("%s.XXXXXX" PART, w->path) : NULL;
    if (!w->folder || !name) {
        free(name);
        goto fail;
    }
    err = WN_ERR_IO;
    w->fd = mkostemps(name, (int)strlen(PART), O_CLOEXEC);
    if (w->fd < 0) {
        free(name);
        goto fail;
    }
    w->part = name;
    if (flock(w->fd, LOCK_EX | LOCK_NB) != 0) /* held while somebody writes: see sweep() */
        goto fail;
    fill_header(&h, key, about);
    TRY(write_all(w, &h, sizeof(h)));
    *out = w;
    return WN_OK;
fail:
    wn_cache_drop(&w);
    return err;
}

static uint64_t check_of(uint32_t tag, uint32_t order, const void *data, size_t n)
{
    return XXH3_64bits_withSeed(n ? data : "", n, (uint64_t)order << 32 | tag);
}

static int put(struct wn_cache_writer *w, uint32_t tag, const void *data, size_t n)
{
    const struct record r = {tag, w->order, n, check_of(tag, w->order, data, n)};
    int err;

    w->order++;
    TRY(write_all(w, &r, sizeof(r)));
    TRY(write_all(w, data, n));
fail:
    return err;
}

int wn_cache_put(struct wn_cache_writer *w, uint32_t tag, const struct wn_bytes *bytes)
{
    return bytes->failed ? WN_ERR_NOMEM : put(w, tag, bytes->data, bytes->n);
}

int64_t wn_cache_written(const struct wn_cache_writer *w)
{
    return w->written;
}

/* ---- room ---- */

struct kept {
    char *path;
    int64_t bytes;
    struct timespec used;
};

static int compare_used(const void *a, const void *b)
{
    const struct timespec *x = &((const struct kept *)a)->used;
    const struct timespec *y = &((const struct kept *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

static bool ends_with(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);

    return n >= m && !strcmp(name + n - m, ending);
}

/* What a process left that was killed while it wrote: nobody holds its lock. */
static void remove_dead(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlink(path);
    close(fd);
}

static int collect(struct kept **out, const char *folder)
{
    DIR *dir = opendir(folder);
    int n = 0;

    *out = NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *path = wn_sprintf("%s/%s", folder, e->d_name);
        struct stat st;
        if (path && ends_with(path, PART) && strstr(e->d_name, ENDING "."))
            remove_dead(path);
        if (path && ends_with(path, ENDING) && lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            struct kept *more = wn_regrow(*out, (size_t)n + 1, sizeof(*more));
            if (more) {
                *out = more;
                more[n++] = (struct kept){path, st.st_size, st.st_atim};
                path = NULL;
            }
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    return n;
}

/* The newest entry, NULL where there is none such, is the last to go: clocks tick too slowly to
 * tell it from the one before. Gives what is left. */
static int64_t sweep(const char *folder, const char *newest, int64_t most_bytes)
{
    struct kept *list;
    const int n = collect(&list, folder);
    int64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += list[i].bytes;
    if (n)
        qsort(list, (size_t)n, sizeof(*list), compare_used);
    for (int i = 0; i < n; i++) {
        const bool newer = newest && !strcmp(list[i].path, newest);
        if (sum > most_bytes && !newer && unlink(list[i].path) == 0)
            sum -= list[i].bytes;
        free(list[i].path);
    }
    if (sum > most_bytes && newest)
        unlink(newest);
    free(list);
    return sum;
}

int64_t wn_cache_sweep(const char *folder, int64_t most_bytes)
{
    return sweep(folder, NULL, most_bytes);
}

int wn_cache_commit(struct wn_cache_writer **writer, int64_t most_bytes)
{
    struct wn_cache_writer *w = *writer;
    const struct timespec now[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    int err;

    TRY(put(w, TAG_END, NULL, 0));
    futimens(w->fd, now);
    err = rename(w->part, w->path) ? WN_ERR_IO : WN_OK;
    if (!err) {
        free(w->part);
        w->part = NULL;
        sweep(w->folder, w->path, most_bytes);
    }
fail:
    wn_cache_drop(writer);
    return err;
}

/* ---- reading ---- */

struct wn_cache_reader {
    int fd;
    uint32_t order;
    int64_t left; /* bytes of the file from here */
};

static int read_all(int fd, void *data, size_t n)
{
    char *p = data;

    while (n > 0) {
        const ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return WN_ERR_DATA;
        p += got;
        n -= (size_t)got;
    }
    return WN_OK;
}

int wn_cache_next(struct wn_cache_reader *r, uint32_t *tag, struct wn_bytes *out)
{
    struct record head;
    int err = WN_ERR_DATA;

    out->n = out->at = 0;
    out->failed = false;
    if (r->left < (int64_t)sizeof(head) || read_all(r->fd, &head, sizeof(head)))
        return WN_ERR_DATA;
    r->left -= (int64_t)sizeof(head);
    if (head.order != r->order++ || head.bytes > MOST_RECORD || (int64_t)head.bytes > r->left)
        return WN_ERR_DATA;
    if (head.bytes > out->cap) {
        uint8_t *p = wn_regrow(out->data, head.bytes, 1);
        if (!p)
            return WN_ERR_NOMEM;
        out->data = p;
        out->cap = head.bytes;
    }
    TRY(read_all(r->fd, out->data, head.bytes));
    r->left -= (int64_t)head.bytes;
    out->n = head.bytes;
    if (head.check != check_of(head.tag, head.order, out->data, out->n))
        return WN_ERR_DATA;
    if (head.tag == TAG_END)
        return r->left ? WN_ERR_DATA : WN_EOF;
    *tag = head.tag;
    return WN_OK;
fail:
    return err;
}

static int open_entry(struct wn_cache_reader *r, const char *path, struct header *h)
{
    struct stat st;

    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0 || fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return WN_EOF;
    if (st.st_size < (int64_t)sizeof(*h) || read_all(r->fd, h, sizeof(*h)) ||
        memcmp(h->magic, MAGIC, sizeof(MAGIC)) || h->about[ABOUT_BYTES - 1] ||
        h->check != XXH3_64bits(h, offsetof(struct header, check)))
        return WN_ERR_DATA;
    r->left = st.st_size - (int64_t)sizeof(*h);
    return WN_OK;
}

/* Reads it through: WN_OK when everything is as it was written. */
static int verify(struct wn_cache_reader *r)
{
    struct wn_bytes bytes = {0};
    uint32_t tag;
    int ret;

    do
        ret = wn_cache_next(r, &tag, &bytes);
    while (ret == WN_OK);
    wn_bytes_finish(&bytes);
    return ret == WN_EOF ? WN_OK : ret;
}

int wn_cache_find(struct wn_cache_reader **out, const char *folder, const struct wn_key *key)
{
    const struct timespec used[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    struct wn_cache_reader *r = wn_calloc(1, sizeof(*r));
    char *path = path_of(folder, key);
    struct header h;
    int err = WN_ERR_NOMEM;

    if (!r || !path)
        goto fail;
    err = open_entry(r, path, &h);
    const int64_t all = r->left;
    if (err == WN_OK && memcmp(&h.key, key, sizeof(*key)))
        err = WN_ERR_DATA;
    if (err == WN_OK)
        err = verify(r);
    if (err == WN_ERR_DATA) {
        unlink(path);
        err = WN_EOF;
    }
    if (err == WN_OK && lseek(r->fd, sizeof(h), SEEK_SET) != sizeof(h))
        err = WN_EOF;
    if (err)
        goto fail;
    futimens(r->fd, used);
    r->left = all;
    r->order = 0;
    *out = r;
    r = NULL;
fail:
    free(path);
    wn_cache_close(&r);
    return err;
}

void wn_cache_close(struct wn_cache_reader **reader)
{
    if (!*reader)
        return;
    if ((*reader)->fd >= 0)
        close((*reader)->fd);
    free(*reader);
    *reader = NULL;
}

/* ---- for people ---- */

int wn_cache_list(const char *folder, bool check,
                  int (*each)(void *opaque, const struct wn_cache_entry *entry), void *opaque)
{
    struct kept *list;
    const int n = collect(&list, folder);
    int stop = 0;

    if (n)
        qsort(list, (size_t)n, sizeof(*list), compare_used);
    for (int i = n; i-- > 0;) {
        struct wn_cache_entry e = {.size = sizeof(e), .bytes = list[i].bytes};
        struct wn_cache_reader r = {.fd = -1};
        struct header h;
        int err = stop ? WN_EOF : open_entry(&r, list[i].path, &h);
        snprintf(e.name, sizeof(e.name), "%s", strrchr(list[i].path, '/') + 1);
        e.used = (double)list[i].used.tv_sec + 1e-9 * (double)list[i].used.tv_nsec;
        if (err == WN_OK)
            snprintf(e.about, sizeof(e.about), "%s", h.about);
        if (err == WN_OK && check)
            err = verify(&r);
        e.damaged = err < 0;
        if (err != WN_EOF)
            stop = each(opaque, &e);
        if (r.fd >= 0)
            close(r.fd);
        free(list[i].path);
    }
    free(list);
    return stop;
}

int wn_cache_unlink(const char *folder, const char *name)
{
    struct kept *list;
    const int n = collect(&list, folder);
    int removed = 0;

    for (int i = 0; i < n; i++) {
        if (!name || !strcmp(strrchr(list[i].path, '/') + 1, name))
            removed += unlink(list[i].path) == 0;
        free(list[i].path);
    }
    free(list);
    return removed;
}
