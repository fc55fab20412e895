/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "members.h"

/* Where each row's entries begin, as member_count and scan give it. */
static int32_t *begins(struct kt *kt, const struct kt_members *m)
{
    int32_t *w_ptr = kt_ints(kt, m->out.n + 1, 0, 0);

    for (int32_t r = 0; r < m->out.n; r++) {
        int32_t count = r < m->out.rows;
        for (int32_t i = 0; r < m->out.rows && i < m->rows.rows; i++)
            count += m->to[i] == m->base[r] && i != m->base[r];
        w_ptr[r + 1] = w_ptr[r] + count;
    }
    return w_ptr;
}

static void cases(struct kt *kt)
{
    static const int32_t most[] = {1, 9, 200};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(most); i++) {
            const struct kt_members m = kt_members(kt, kt_rows(kt, shape), most[i]);
            const struct wn_member_fill_params p = {m.out.n, m.out.n_frames};
            const int64_t entries = (int64_t)m.rows.n + m.out.n;
            float *share = kt_floats(kt, m.rows.n + 1, 2, KT_PLAIN);

            kt_check(kt, &p,
                     (void *[]){m.rows.ptr, m.to, m.out.ptr, m.base, begins(kt, &m), share,
                                kt_out(kt, entries), kt_out(kt, entries)},
                     "%s, at most %d", m.rows.name, most[i]);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_members m = kt_members(kt, kt_even_rows(kt, 64, 196), 64);
    const struct wn_member_fill_params p = {m.out.n, m.out.n_frames};
    const int64_t entries = (int64_t)m.rows.n + m.out.n;
    float *share = kt_floats(kt, m.rows.n + 1, 2, KT_PLAIN);

    kt_bench(kt, &p,
             (void *[]){m.rows.ptr, m.to, m.out.ptr, m.base, begins(kt, &m), share,
                        kt_out(kt, entries), kt_out(kt, entries)},
             (int64_t)m.rows.n * 12, "64 frames of 196 to up to 64");
}

const struct kt_kernel kt_kernel_member_fill = {"member_fill", cases, bench};
