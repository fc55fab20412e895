/* SPDX-License-Identifier: MIT */
/* What the tests of single filters share: a CPU, and what chains leave of made-up rows there.
 * Include it after cmocka.h. */
#ifndef TEST_COMPRESS_LEFT_H
#define TEST_COMPRESS_LEFT_H

#include "tests/units/compress_make.h"

static struct wn_log log_;
static struct wn_backend *cpu;

static int set_up(void **state)
{
    wn_log_init(&log_);
    return wn_backend_cpu(&cpu, NULL, WN_CPU_AUTO, &log_);
}

static int tear_down(void **state)
{
    wn_backend_destroy(&cpu);
    wn_log_finish(&log_);
    return 0;
}

/* What the chain leaves of rows of that make. */
static struct wn_rows *left_of(const struct make *m, const char *chain)
{
    struct wn_rows *rows = make_rows(m);

    if (run_chain(&rows, chain, m->cls, cpu, &log_) < 0)
        fail_msg("%s: %s", chain, log_.last_error);
    return rows;
}

static void leaves(const struct make *m, const char *chain, int32_t n)
{
    struct wn_rows *rows = left_of(m, chain);

    if (rows->n != n)
        fail_msg("%s leaves %d rows, not %d", chain, (int)rows->n, (int)n);
    wn_rows_destroy(&rows);
}

#endif
