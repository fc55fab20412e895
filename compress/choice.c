/* SPDX-License-Identifier: MIT */
#include "choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINES 4096 /* more than any machine has devices and chains; then it starts anew */

/* The file is a line each of "KEY cpu" or "KEY vulkan". */
static char *file_name(const char *cache_dir)
{
    return cache_dir ? wn_sprintf("%s/faster-device.v1", cache_dir) : NULL;
}

uint64_t wn_choice_key(const struct wn_plan *plan, const char *device)
{
    int n_calls, n_buffers;
    const struct wn_plan_call *call = wn_plan_calls(plan, &n_calls);
    const struct wn_plan_buffer *buffer = wn_plan_buffers(plan, &n_buffers);
    uint64_t key = wn_hash64(device, strlen(device), 0);

    for (int i = 0; i < n_calls; i++)
        key = wn_hash64(call[i].kernel->name, strlen(call[i].kernel->name), key);
    for (int i = 0; i < n_buffers; i++) {
        unsigned char log2 = 0;
        while (buffer[i].n >> log2 > 1)
            log2++;
        key = wn_hash64(&log2, 1, key);
    }
    return key;
}

static bool read_line(FILE *f, uint64_t *key, enum wn_choice *choice)
{
    char line[64], word[16];

    if (!fgets(line, sizeof(line), f) || sscanf(line, "%16" SCNx64 " %15s", key, word) != 2)
        return false;
    *choice = !strcmp(word, "vulkan") ? WN_CHOICE_GPU : WN_CHOICE_CPU;
    return *choice == WN_CHOICE_GPU || !strcmp(word, "cpu");
}

enum wn_choice wn_choice_find(const char *cache_dir, uint64_t want)
{
    char *name = file_name(cache_dir);
    FILE *f = name ? fopen(name, "r") : NULL;
    enum wn_choice found = WN_CHOICE_OPEN, choice;
    uint64_t key;

    for (int i = 0; f && i < MAX_LINES && read_line(f, &key, &choice); i++) {
        if (key == want)
            found = choice; /* the last one counts */
    }
    if (f)
        fclose(f);
    free(name);
    return found;
}

static int copy_lines(FILE *from, FILE *to)
{
    enum wn_choice choice;
    uint64_t key;
    int n = 0;

    while (read_line(from, &key, &choice)) {
        if (++n >= MAX_LINES)
            return -1;
        fprintf(to, "%016" PRIx64 " %s\n", key, choice == WN_CHOICE_GPU ? "vulkan" : "cpu");
    }
    return 0;
}

void wn_choice_keep(const char *cache_dir, uint64_t key, enum wn_choice choice)
{
    char *name = file_name(cache_dir);
    char *part = name ? wn_sprintf("%s.%ld.part", name, (long)getpid()) : NULL;
    FILE *to = part ? fopen(part, "w") : NULL;
    FILE *from = to ? fopen(name, "r") : NULL;
    bool bad;

    if (to) {
        if (from && copy_lines(from, to) < 0) {
            fclose(to);
            to = fopen(part, "w");
        }
        bad = !to || fprintf(to, "%016" PRIx64 " %s\n", key,
                             choice == WN_CHOICE_GPU ? "vulkan" : "cpu") < 0;
        bad |= to && fclose(to) != 0;
        if (bad || rename(part, name))
            remove(part);
    }
    if (from)
        fclose(from);
    free(part);
    free(name);
}
