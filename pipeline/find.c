/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);

    return n >= m && !strcmp(s + n - m, end);
}

/* How well a file name fits: better the more of the model's stem it holds, 1 for any projector, 0
 * for other files. */
static int fitness(const char *name, const char *model)
{
    char stem[256];

    if (!strstr(name, "mmproj") || !ends_with(name, ".gguf") || !strcmp(name, model))
        return 0;
    size_t n = strlen(model);
    if (ends_with(model, ".gguf"))
        n -= 5;
    if (n == 0 || n >= sizeof(stem))
        return 1;
    memcpy(stem, model, n);
    stem[n] = '\0';
    for (;;) { /* name-7b-Q4_K_M, then name-7b, then name */
        if (strstr(name, stem))
            return 1 + (int)strlen(stem);
        char *dash = strrchr(stem, '-');
        if (!dash || dash - stem < 3)
            return 1;
        *dash = '\0';
    }
}

char *wn_find_mmproj(const char *model, const char **why)
{
    const char *slash = strrchr(model, '/');
    const char *name = slash ? slash + 1 : model;
    char *folder = slash ? wn_strdup(model) : wn_strdup(".");
    char *best = NULL;
    int best_fit = 0, n_best = 0;

    *why = "no vision encoder (a GGUF with 'mmproj' in its name) lies beside it: name one";
    if (folder && slash)
        folder[slash == model ? 1 : slash - model] = '\0';
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        const int fit = fitness(entry->d_name, name);
        if (fit < best_fit || fit == 0)
            continue;
        n_best = fit > best_fit ? 1 : n_best + 1;
        best_fit = fit;
        free(best);
        best = wn_sprintf("%s/%s", folder, entry->d_name);
    }
    if (dir)
        closedir(dir);
    free(folder);
    if (n_best > 1) {
        *why = "more than one vision encoder lies beside it: name one";
        free(best);
        best = NULL;
    }
    return best;
}
