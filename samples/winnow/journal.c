/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const struct journal *j, const char *what, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s: %s: %s", j->path ? j->path : "", what, strerror(errno));
    return -1;
}

/* The name may belong to another file by the time the lock is there. */
static bool same_file(const struct journal *j)
{
    struct stat a, b;

    return fstat(j->fd, &a) == 0 && stat(j->path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Cuts what follows the last newline. */
static int cut_torn_line(struct journal *j)
{
    char buf[4096];
    int64_t at = lseek(j->fd, 0, SEEK_END);

    if (at < 0)
        return -1;
    for (j->size = 0; at > 0 && !j->size;) {
        const int64_t n = at < (int64_t)sizeof(buf) ? at : (int64_t)sizeof(buf);
        if (pread(j->fd, buf, (size_t)n, at - n) != n)
            return -1;
        for (int64_t i = n; i-- > 0 && !j->size;)
            if (buf[i] == '\n')
                j->size = at - n + i + 1;
        at -= n;
    }
    return ftruncate(j->fd, j->size);
}

int journal_open(struct journal *out, const char *path, char *why, size_t why_size)
{
    struct journal j = {.fd = -1};
    const size_t n = strlen(path) + 1;
    int ret = -1;

    j.path = malloc(n);
    if (!j.path) {
        complain(&j, "out of memory", why, why_size);
        goto fail;
    }
    memcpy(j.path, path, n);
    do {
        if (j.fd >= 0)
            close(j.fd);
        j.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (j.fd < 0) {
            complain(&j, "cannot be opened", why, why_size);
            goto fail;
        }
        if (flock(j.fd, LOCK_EX | LOCK_NB) != 0) {
            ret = errno == EWOULDBLOCK ? JOURNAL_LOCKED : -1;
            complain(&j, "cannot be locked", why, why_size);
            goto fail;
        }
    } while (!same_file(&j));
    if (cut_torn_line(&j) != 0) {
        complain(&j, "cannot be read", why, why_size);
        goto fail;
    }
    *out = j;
    return 0;
fail:
    journal_close(&j);
    *out = j;
    return ret;
}

int journal_read(const struct journal *j, int (*line)(void *opaque, json_t *object),
                 void *opaque, char *why, size_t why_size)
{
    FILE *f = fopen(j->path, "r");
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    int bad = 0;

    if (!f)
        return complain(j, "cannot be read", why, why_size);
    for (int64_t number = 1; !bad && (n = getline(&text, &cap, f)) > 0; number++) {
        json_t *object = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(object)) {
            snprintf(why, why_size, "%s: line %lld is no record", j->path, (long long)number);
            bad = -1;
        } else {
            bad = line(opaque, object);
        }
        json_decref(object);
    }
    if (!bad && ferror(f))
        bad = complain(j, "cannot be read", why, why_size);
    free(text);
    fclose(f);
    return bad;
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, data, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        data += done;
        n -= (size_t)done;
    }
    return 0;
}

int journal_add(struct journal *j, const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10));
    const size_t n = text ? strlen(text) : 0;
    int bad;

    if (!text) {
        errno = ENOMEM;
        return -1;
    }
    text[n] = '\n'; /* in the place of its zero: one write holds the line */
    bad = write_all(j->fd, text, n + 1);
    if (!bad)
        bad = fdatasync(j->fd) != 0 && errno != EINVAL && errno != EROFS;
    free(text);
    if (!bad) {
        j->size += (int64_t)n + 1;
        return 0;
    }
    const int error = errno;
    if (ftruncate(j->fd, j->size) != 0) /* the next start cuts the line */
        bad = -1;
    errno = error;
    return -1;
}

struct rewrite {
    struct journal to;
    bool (*keep)(const json_t *object);
};

static int rewrite_line(void *opaque, json_t *object)
{
    struct rewrite *r = opaque;

    return r->keep(object) ? journal_add(&r->to, object) : 0;
}

int journal_filter(struct journal *j, bool (*keep)(const json_t *object), char *why,
                   size_t why_size)
{
    struct rewrite r = {.to = {.fd = -1}, .keep = keep};
    const size_t size = strlen(j->path) + 6;
    char *part = malloc(size);
    int bad = -1;

    if (!part)
        return complain(j, "out of memory", why, why_size);
    snprintf(part, size, "%s.part", j->path);
    unlink(part);
    bad = journal_open(&r.to, part, why, why_size);
    if (!bad) {
        snprintf(why, why_size, "%s: cannot be written: %s", part, strerror(errno));
        bad = journal_read(j, rewrite_line, &r, why, why_size);
    }
    if (!bad && rename(part, j->path) != 0)
        bad = complain(j, "cannot be replaced", why, why_size);
    if (bad) {
        unlink(part);
        journal_close(&r.to);
    } else { /* the new one is locked already */
        close(j->fd);
        j->fd = r.to.fd;
        j->size = r.to.size;
        free(r.to.path);
    }
    free(part);
    return bad ? -1 : 0;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    free(j->path);
    *j = (struct journal){.fd = -1};
}
