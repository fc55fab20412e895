/* SPDX-License-Identifier: MIT */
/* Memory, errors and messages: what every folder shares. */
#ifndef WN_UTIL_H
#define WN_UTIL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>

#include "winnow.h"

#if defined(__GNUC__)
# define WN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
# define WN_PRINTF(fmt, args)
#endif

#define WN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define WN_MAX(a, b) ((a) > (b) ? (a) : (b))
#define WN_LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* The one control-flow macro: needs `int err` and a label `fail`. */
#define TRY(call)             \
    do {                      \
        err = (call);         \
        if (err < 0)          \
            goto fail;        \
    } while (0)

/* Zeroed, overflow-checked; NULL when n * size overflows or memory is short. n 0 gives a pointer
 * that may be freed. */
void *wn_calloc(size_t n, size_t size);
/* The same, not set. */
void *wn_alloc(size_t n, size_t size);
/* Grows p to n elements; old contents stay, new ones are not set; NULL (p untouched) on failure. */
void *wn_regrow(void *p, size_t n, size_t size);
char *wn_strdup(const char *s);           /* NULL for NULL */
char *wn_sprintf(const char *fmt, ...) WN_PRINTF(1, 2); /* NULL when out of memory */

double wn_now(void);                      /* seconds, monotonic */
int64_t wn_peak_bytes(void);              /* most resident memory so far; 0: not known */
uint64_t wn_hash64(const void *data, size_t size, uint64_t seed); /* xxh3 */
/* Up to max_bytes of s, printable: control bytes and broken UTF-8 become '?'. For messages. */
const char *wn_printable(char *buf, size_t buf_size, const char *s);

/* Where messages of a session go. Made once per session; safe from any thread. */
struct wn_log {
    pthread_mutex_t lock;
    void (*fn)(void *opaque, enum wn_log_level level, const char *msg);
    void *opaque;
    enum wn_log_level level;
    char last_error[1024];
    atomic_bool cancelled; /* wn_cancel(): long loops look at it and return WN_ERR_ABORTED */
};
void wn_log_init(struct wn_log *log);
void wn_log_finish(struct wn_log *log);
void wn_say(struct wn_log *log, enum wn_log_level level, const char *fmt, ...) WN_PRINTF(3, 4);
/* Says what went wrong, once, where it is known; becomes wn_errmsg(). Returns err. */
int wn_fail(struct wn_log *log, int err, const char *fmt, ...) WN_PRINTF(3, 4);
int wn_nomem(struct wn_log *log, const char *what);
bool wn_cancelled(const struct wn_log *log);
/* What this thread says to `from` goes to `to` until it lends NULL: models that sessions share say
 * everything to the log they were opened with. */
void wn_log_lend(struct wn_log *from, struct wn_log *to);

/* Round-half-even of `count` numbers from 0 to n - 1 in float32, as torch.linspace has them. */
void wn_linspace(int32_t n, int32_t count, int32_t *list);

#endif
