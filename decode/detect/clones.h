/* SPDX-License-Identifier: MIT */
/* Loops over integers that are compiled once for each instruction set and chosen when the program
 * is loaded; the same bits in each. */
#ifndef WN_DETECT_CLONES_H
#define WN_DETECT_CLONES_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
# define WN_CLONES __attribute__((target_clones("avx2", "default")))
#else
# define WN_CLONES
#endif

#endif
