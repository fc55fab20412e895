/* SPDX-License-Identifier: MIT */
/* Over every file below the folders that are named: frames chosen by the index, on several threads,
 * are the frames of reading through, by hash, number and time. `decode_seek DIR...`; 77 when there
 * is no file. */
#include "decode_make.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "decode/decoder_state.h"

#define MOST 40000

static const char *const chain[] = {
    "uniform=6", "fps=0.7", "keyframes", "keyframes=max=5", "pick=3",
};

static struct seen all[MOST], some[MOST];
static int files, planned_files, failed;
static int64_t frames;

/* -1: of no use here. */
static int read_through(const char *path)
{
    struct opened o;
    struct wn_media media = {0};
    int n = open_decoder(&o, &(struct wn_decoder_params){.url = path}, "");

    if (n >= 0) {
        o.decoder->input->no_seek = true;
        n = read_all(&o, all, MOST);
        wn_decoder_media(o.decoder, &media);
    }
    close_decoder(&o);
    return n <= 0 || n > MOST || media.partial || media.still ? -1 : n;
}

static int number_of(const struct seen *s, int n)
{
    if (s->counted >= 0)
        return s->counted < n ? (int)s->counted : -1;
    for (int i = 0; i < n; i++)
        if (fabs(all[i].time - s->time) < 1e-9)
            return i;
    return -1;
}

static void check_chain(const char *path, const char *text, int threads, int n, bool *planned)
{
    struct wn_pool *pool = NULL;
    struct opened o;

    if (wn_pool_create(&pool, threads) ||
        open_decoder(&o, &(struct wn_decoder_params){
            .url = path,
            .pool = pool,
            .n_threads = threads,
        }, text) < 0)
        abort();
    const int got = read_all(&o, some, MOST);
    const bool by_index = o.decoder->reader != NULL;
    /* Without an index a key frame's time is what the decoder makes of it alone. */
    const bool timed = by_index || strncmp(text, "keyframes", 9);
    int bad = got <= 0;
    *planned |= by_index;
    for (int i = 0; !bad && timed && i < got; i++) {
        const int k = number_of(&some[i], n);
        bad = k < 0 || some[i].hash != all[k].hash || fabs(some[i].time - all[k].time) > 1e-9;
        frames++;
    }
    if (bad)
        printf("%s: %s on %d threads: %d frames, and not those of reading through\n", path, text,
               threads, got);
    failed += bad;
    close_decoder(&o);
    wn_pool_destroy(&pool);
}

static void check_file(const char *path)
{
    const int n = read_through(path);
    bool planned = false;

    if (n < 0)
        return;
    files++;
    for (int c = 0; c < WN_LEN(chain); c++)
        check_chain(path, chain[c], 1 + c % 3, n, &planned);
    planned_files += planned;
}

static void check_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct stat st;

    if (!dir) {
        if (!stat(path, &st) && S_ISREG(st.st_mode))
            check_file(path);
        return;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char *name = *e->d_name != '.' ? wn_sprintf("%s/%s", path, e->d_name) : NULL;
        if (name)
            check_folder(name);
        free(name);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        check_folder(argv[i]);
    printf("%d files, %d of them by their index, %lld frames compared, %d failed\n", files,
           planned_files, (long long)frames, failed);
    return !files ? 77 : failed || !planned_files;
}
