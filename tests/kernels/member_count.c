/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "members.h"

static void cases(struct kt *kt)
{
    static const int32_t most[] = {1, 9, 200};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(most); i++) {
            const struct kt_members m = kt_members(kt, kt_rows(kt, shape), most[i]);
            const struct wn_member_count_params p = {m.out.n, m.out.n_frames};

            kt_check(kt, &p,
                     (void *[]){m.rows.ptr, m.to, m.out.ptr, m.base, kt_out(kt, m.out.n)},
                     "%s, at most %d", m.rows.name, most[i]);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_members m = kt_members(kt, kt_even_rows(kt, 64, 196), 64);
    const struct wn_member_count_params p = {m.out.n, m.out.n_frames};

    kt_bench(kt, &p, (void *[]){m.rows.ptr, m.to, m.out.ptr, m.base, kt_out(kt, m.out.n)},
             (int64_t)m.rows.n * 8, "64 frames of 196 to up to 64");
}

const struct kt_kernel kt_kernel_member_count = {"member_count", cases, bench};
