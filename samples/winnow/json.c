/* SPDX-License-Identifier: MIT */
/* JSON on stdout. It is always valid UTF-8: a name that is not gets U+FFFD for each broken byte,
 * and a second member NAME_hex with its exact bytes. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_text(const char *s)
{
    size_t left = strlen(s), at = 0;
    char *clean;
    json_t *text;

    if (utf8_valid(s))
        return json_string(s);
    clean = malloc(left * 3 + 1);
    if (!clean)
        return NULL;
    while (left > 0) {
        size_t len = utf8_length(s, left);
        memcpy(clean + at, len ? s : "\xEF\xBF\xBD", len ? len : 3);
        at += len ? len : 3;
        s += len ? len : 1;
        left -= len ? len : 1;
    }
    text = json_stringn(clean, at);
    free(clean);
    return text;
}

void json_set_path(json_t *object, const char *key, const char *s)
{
    static const char digit[] = "0123456789abcdef";
    char name[64];
    size_t n = strlen(s);
    char *hex;

    json_object_set_new(object, key, json_text(s));
    if (utf8_valid(s))
        return;
    hex = malloc(2 * n + 1);
    if (!hex)
        return;
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = digit[(unsigned char)s[i] >> 4];
        hex[2 * i + 1] = digit[(unsigned char)s[i] & 15];
    }
    snprintf(name, sizeof(name), "%s_hex", key);
    json_object_set_new(object, name, json_stringn(hex, 2 * n));
    free(hex);
}

json_t *json_result(const struct tool *tool, const char *status)
{
    unsigned v = wn_version();
    char version[32];
    json_t *object = json_object();

    snprintf(version, sizeof(version), "%u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
    json_object_set_new(object, "schema", json_string("winnow/1"));
    json_object_set_new(object, "command", json_string(tool->command->name));
    json_object_set_new(object, "version", json_string(version));
    json_object_set_new(object, "status", json_string(status));
    if (tool->file)
        json_set_path(object, "file", tool->file);
    return object;
}

json_t *json_media(const struct wn_media *media)
{
    json_t *object = json_object();

    json_object_set_new(object, "width", json_integer(media->width));
    json_object_set_new(object, "height", json_integer(media->height));
    json_object_set_new(object, "duration_s", json_number(media->duration));
    json_object_set_new(object, "fps", json_number(media->fps));
    json_object_set_new(object, "codec", json_text(media->codec ? media->codec : ""));
    json_object_set_new(object, "container", json_text(media->container ? media->container : ""));
    json_object_set_new(object, "rotation", json_integer(media->rotation));
    json_object_set_new(object, "still", json_boolean(media->still));
    json_object_set_new(object, "frames_decoded", json_integer(media->frames_decoded));
    json_object_set_new(object, "frames_kept", json_integer(media->frames_kept));
    json_object_set_new(object, "decode_errors", json_integer(media->decode_errors));
    json_object_set_new(object, "partial", json_boolean(media->partial));
    return object;
}

void json_set_stats(json_t *object, const struct wn_stats *s)
{
    json_t *timing = json_object();

    json_object_set_new(timing, "decode_s", json_number(s->decode_s));
    json_object_set_new(timing, "encode_s", json_number(s->encode_s));
    json_object_set_new(timing, "compress_s", json_number(s->compress_s));
    json_object_set_new(timing, "prefill_s", json_number(s->prefill_s));
    json_object_set_new(timing, "generate_s", json_number(s->generate_s));
    json_object_set_new(object, "tokens_before", json_integer(s->tokens_before));
    json_object_set_new(object, "tokens_after", json_integer(s->tokens_after));
    json_object_set_new(object, "frames", json_integer(s->frames));
    json_object_set_new(object, "scenes", json_integer(s->scenes));
    json_object_set_new(object, "segments", json_integer(s->segments));
    json_object_set_new(object, "cached", json_integer(s->cached));
    json_object_set_new(object, "timing", timing);
    json_object_set_new(object, "peak_bytes", json_integer(s->peak_bytes));
    json_object_set_new(object, "device", json_text(s->device ? s->device : ""));
    json_object_set_new(object, "filters", json_text(s->filters ? s->filters : ""));
}

int stdout_status(struct tool *tool)
{
    int bad;

    errno = 0;
    bad = fflush(stdout) != 0 || ferror(stdout);
    if (!bad)
        return STATUS_OK;
    if (errno == EPIPE)
        return STATUS_BROKEN_PIPE;
    term_clear(&tool->term);
    fprintf(stderr, "winnow: standard output: cannot be written: %s\n", strerror(errno));
    return STATUS_OUTPUT;
}

int json_print(struct tool *tool, json_t *object)
{
    size_t shape = isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;
    char *text = object ? json_dumps(object, shape | JSON_REAL_PRECISION(10)) : NULL;

    json_decref(object);
    if (!text) {
        term_error(&tool->term, tool->file, "out of memory for the result");
        return STATUS_NOMEM;
    }
    term_clear(&tool->term);
    puts(text);
    free(text);
    return stdout_status(tool);
}
