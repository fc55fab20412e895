/* SPDX-License-Identifier: MIT */
#include "images.h"

#include "input.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool wn_images_is_folder(const char *url)
{
    struct stat st;

    return !stat(url, &st) && S_ISDIR(st.st_mode);
}

static bool ends_like_a_picture(const char *name)
{
    static const char *const ending[] = {
        "avif", "bmp", "dpx", "exr", "gif", "heic", "jpeg", "jpg", "jp2", "jxl", "pbm", "pgm",
        "png", "ppm", "tga", "tif", "tiff", "webp",
    };
    const char *dot = strrchr(name, '.');

    for (int i = 0; name[0] != '.' && dot && i < WN_LEN(ending); i++)
        if (!strcasecmp(dot + 1, ending[i]))
            return true;
    return false;
}

/* Runs of digits compare as numbers, all else as bytes. */
static int by_number(const void *pa, const void *pb)
{
    const char *a = *(char *const *)pa, *b = *(char *const *)pb;

    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            const size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");
            const int order = n != m ? (n > m) - (n < m) : memcmp(a, b, n);
            if (order)
                return order;
            a += n;
            b += m;
            continue;
        }
        if (*a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        a++;
        b++;
    }
    const int order = (unsigned char)*a - (unsigned char)*b;
    return order ? order : strcmp(*(char *const *)pa, *(char *const *)pb);
}

static int add(struct wn_images *list, const char *folder, const char *name)
{
    char **grown = wn_regrow(list->path, (size_t)list->n + 1, sizeof(*grown));

    if (!grown)
        return WN_ERR_NOMEM;
    list->path = grown;
    grown[list->n] = wn_sprintf("%s/%s", folder, name);
    return grown[list->n++] ? WN_OK : WN_ERR_NOMEM;
}

int wn_images_list(struct wn_images **out, const char *folder, struct wn_log *log)
{
    struct wn_images *list = wn_calloc(1, sizeof(*list));
    DIR *dir = opendir(folder);
    char shown[256];
    int err = WN_OK;

    wn_printable(shown, sizeof(shown), folder);
    if (!list || !dir) {
        err = list ? wn_fail(log, WN_ERR_IO, "%s: %s", shown, strerror(errno)) : WN_ERR_NOMEM;
        goto fail;
    }
    for (const struct dirent *e = readdir(dir); e && !err; e = readdir(dir))
        if (ends_like_a_picture(e->d_name))
            err = add(list, folder, e->d_name);
    if (err) {
        wn_nomem(log, "a list of files");
        goto fail;
    }
    if (!list->n) {
        err = wn_fail(log, WN_ERR_IO, "%s: is a directory without pictures", shown);
        goto fail;
    }
    qsort(list->path, (size_t)list->n, sizeof(*list->path), by_number);
    *out = list;
    list = NULL;
fail:
    if (dir)
        closedir(dir);
    wn_images_free(&list);
    return err;
}

void wn_images_free(struct wn_images **images)
{
    struct wn_images *list = *images;

    if (!list)
        return;
    for (int i = 0; i < list->n; i++)
        free(list->path[i]);
    free(list->path);
    free(list);
    *images = NULL;
}

int wn_images_next(struct wn_images *list, const struct wn_decoder_params *params,
                   struct wn_picture **out)
{
    struct wn_decoder_params p = *params;
    struct wn_input *in = NULL;

    if (list->next == list->n)
        return WN_OK;
    p.url = list->path[list->next];
    p.start = p.end = 0;
    p.stream = 0;
    p.on_progress = NULL;
    p.n_threads = 1;
    const int err = wn_input_open(&in, &p);
    if (err < 0)
        return err;
    *out = wn_pictures_take(&in->ahead);
    (*out)->number = list->next;
    (*out)->time = list->next++;
    (*out)->key = true;
    wn_input_close(&in);
    return WN_OK;
}
