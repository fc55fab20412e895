/* SPDX-License-Identifier: MIT */
/* Options that several token filters declare. */
#ifndef WN_FILTER_OPTIONS_H
#define WN_FILTER_OPTIONS_H

#include "pipeline/filter.h"

enum { WN_PER_FRAME, WN_PER_SEGMENT };

#define WN_OPT_PER(type, field)                                                                   \
    {"per", "what `keep` counts in", offsetof(type, field), AV_OPT_TYPE_INT,                      \
     {.i64 = WN_PER_FRAME}, WN_PER_FRAME, WN_PER_SEGMENT, 0, "per"},                              \
    {"frame", "each frame by itself", 0, AV_OPT_TYPE_CONST, {.i64 = WN_PER_FRAME}, 0, 0, 0,       \
     "per"},                                                                                      \
    {"segment", "a scene, or a part of a long one", 0, AV_OPT_TYPE_CONST,                         \
     {.i64 = WN_PER_SEGMENT}, 0, 0, 0, "per"}

enum { WN_SENSIBLE, WN_RELEASED };

#define WN_OPT_COMPAT(type, field)                                                                \
    {"compat", "where paper and released code differ", offsetof(type, field), AV_OPT_TYPE_INT,    \
     {.i64 = WN_SENSIBLE}, WN_SENSIBLE, WN_RELEASED, 0, "compat"},                                \
    {"sensible", "what makes sense", 0, AV_OPT_TYPE_CONST, {.i64 = WN_SENSIBLE}, 0, 0, 0,         \
     "compat"},                                                                                   \
    {"released", "what the authors' code does", 0, AV_OPT_TYPE_CONST, {.i64 = WN_RELEASED}, 0, 0, \
     0, "compat"}

#define WN_OPT_NEWLINE(type, field, def)                                                          \
    {"newline", "rows that end a line of tiles", offsetof(type, field), AV_OPT_TYPE_INT,          \
     {.i64 = def}, 0, 1, 0, "newline"},                                                           \
    {"drop", "they go", 0, AV_OPT_TYPE_CONST, {.i64 = 0}, 0, 0, 0, "newline"},                    \
    {"keep", "they stay, beside what `keep` says", 0, AV_OPT_TYPE_CONST, {.i64 = 1}, 0, 0, 0,     \
     "newline"}

enum { WN_SPATIAL, WN_PAPER };

#define WN_OPT_ORDER(type, field, paper)                                                          \
    {"order", "of the rows of a frame", offsetof(type, field), AV_OPT_TYPE_INT,                   \
     {.i64 = WN_SPATIAL}, WN_SPATIAL, WN_PAPER, 0, "order"},                                      \
    {"spatial", "as they stood", 0, AV_OPT_TYPE_CONST, {.i64 = WN_SPATIAL}, 0, 0, 0, "order"},    \
    {"paper", paper, 0, AV_OPT_TYPE_CONST, {.i64 = WN_PAPER}, 0, 0, 0, "order"}

#endif
