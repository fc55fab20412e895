/* SPDX-License-Identifier: MIT */
/* Many dot products at once. Rows that meet each other share what is read of them, and the trees
 * over the lanes are added up side by side; every sum is that of wn_dot(), bit for bit. */
#include <assert.h>
#include <string.h>

#include "blocks.h"

#if defined(__has_builtin)
# if __has_builtin(__builtin_shufflevector) && defined(__GNUC__)
#  define HAVE_VECTORS 1
# endif
#endif

static void one_by_one(float *d, int64_t stride, const float *const *a, int na,
                       const float *const *b, int nb, int32_t n)
{
    for (int i = 0; i < na; i++) {
        for (int j = 0; j < nb; j++)
            d[i * stride + j] = wn_dot(a[i], b[j], n);
    }
}

#if !defined(HAVE_VECTORS)

void wn_dots(float *d, int64_t stride, const float *const *a, int na, const float *const *b, int nb,
             int32_t n)
{
    one_by_one(d, stride, a, na, b, nb, n);
}

#else

# define UNROLL _Pragma("GCC unroll 16")
# define MOST 8192 /* numbers of a row that fit on the stack four times */

# define NAME any
# define WIDTH 4
# define COLS 2
# define TILES 1
# define TARGET
# include "dots_body.h"

# if defined(__x86_64__)
#  define NAME avx2
#  define WIDTH 8
#  define COLS 2
#  define TILES 1
#  define TARGET __attribute__((target("avx2")))
#  include "dots_body.h"

#  define NAME avx512
#  define WIDTH 16
#  define COLS 6
#  define TILES 2
#  define TARGET __attribute__((target("avx512f")))
#  include "dots_body.h"
# endif

void wn_dots(float *d, int64_t stride, const float *const *a, int na, const float *const *b, int nb,
             int32_t n)
{
    if (n > MOST) {
        one_by_one(d, stride, a, na, b, nb, n);
        return;
    }
# if defined(__x86_64__)
    if (WN_HAS("avx512f")) {
        dots_avx512(d, stride, a, na, b, nb, n);
        return;
    }
    if (WN_HAS("avx2")) {
        dots_avx2(d, stride, a, na, b, nb, n);
        return;
    }
# endif
    dots_any(d, stride, a, na, b, nb, n);
}

#endif
