/* SPDX-License-Identifier: MIT */
#include "spirv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OP_EXT_INST = 12, OP_DECORATE = 71, NO_CONTRACTION = 42,
    OP_FADD = 129, OP_FSUB = 131, OP_FMUL = 133, /* exact when marked */
    OP_FDIV = 136, OP_FREM = 140, OP_FMOD = 141, OP_VECTOR_TIMES_SCALAR = 142, OP_DOT = 148,
};

/* Of GLSL.std.450: the exact ones that the shaders use. */
enum { FABS = 4, UMIN = 38, SMIN = 39, UMAX = 41, SMAX = 42 };

/* Arithmetic whose rounding is left open: division, remainder, products with vectors and matrices,
 * most of GLSL's own functions. */
static bool is_loose(const uint32_t *word, uint32_t op)
{
    if (op == OP_EXT_INST)
        return word[4] != FABS && word[4] != UMIN && word[4] != SMIN && word[4] != UMAX
            && word[4] != SMAX;
    return op == OP_FDIV || op == OP_FREM || op == OP_FMOD
        || (op >= OP_VECTOR_TIMES_SCALAR && op <= OP_DOT);
}

static bool is_sum_or_product(uint32_t op)
{
    return op == OP_FADD || op == OP_FSUB || op == OP_FMUL;
}

/* What is wrong, or NULL. marked: for each id, whether it is decorated. */
static const char *find_fault(const uint32_t *code, size_t words, bool *marked)
{
    for (size_t i = 5; i < words && code[i] >> 16; i += code[i] >> 16) {
        const uint32_t op = code[i] & 0xffff;
        if (op == OP_DECORATE && code[i + 2] == NO_CONTRACTION)
            marked[code[i + 1]] = true;
        if (is_loose(code + i, op))
            return "uses an operation that may be rounded in more than one way";
        if (is_sum_or_product(op) && !marked[code[i + 2]])
            return "has a sum or product that is not precise";
    }
    return NULL;
}

void kt_check_spirv(struct kt *kt)
{
    const struct wn_spirv *s = wn_spirvs;
    const char *fault;
    bool *marked;

    while (s->name && strcmp(s->name, kt->kernel->name))
        s++;
    if (!s->name)
        return;
    marked = calloc(s->code[3], sizeof(*marked)); /* the bound of ids */
    if (!marked)
        abort();
    fault = find_fault(s->code, s->size / 4, marked);
    if (fault)
        printf("FAIL %s: the shader %s\n", s->name, fault);
    kt->failed += fault != NULL;
    kt->passed += fault == NULL;
    free(marked);
}
