/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term.h"

#define AT(field) offsetof(struct options, field)
#define BIG 9e15 /* integers up to here are exact in a double */

const struct option_info option_table[] = {
    {"model", 'm', "FILE", CMD_MODEL | CMD_BENCH, "Model", OPTION_TEXT, AT(model), .help =
        "language model, GGUF"},
    {"mmproj", 0, "FILE", CMD_MODEL | CMD_BENCH, "Model", OPTION_TEXT, AT(mmproj), .help =
        "vision encoder, GGUF (default: found beside the model)"},
    {"ctx", 0, "N", CMD_MODEL | CMD_BENCH, "Model", OPTION_INT, AT(ctx), 1, 1 << 30, .help =
        "most KV cells (default: what the prompt needs, up to what the model was trained for)"},
    {"chat-template", 0, "NAME", CMD_MODEL | CMD_BENCH, "Model", OPTION_TEXT, AT(chat_template),
        .help =
        "a built-in chat template or its text (default: the model's own)"},
    {"frame-label", 0, "TEXT", CMD_MODEL | CMD_BENCH, "Model", OPTION_TEXT, AT(frame_label), .help =
        "text before each frame of a video, {n} its number, {t} its time; empty: none "
        "(default: the model's own or \"[{t}]\")"},
    {"encoder", 0, "WHICH", CMD_MODEL | CMD_BENCH, "Model", OPTION_CHOICE, AT(encoder),
        .choices = "auto|own|mtmd", .help =
        "vision encoder: winnow's own for CLIP and SigLIP, libmtmd for all others (default: auto)"},
    {"fast-resize", 0, NULL, CMD_MODEL, "Model", OPTION_FLAG, AT(fast_resize), .help =
        "libswscale's resize instead of the one that equals llama.cpp's bytes"},
    {"cpu", 0, NULL, CMD_MODEL | CMD_BENCH, "Model", OPTION_FLAG, AT(cpu), .help =
        "keep both models on the CPU"},
    {"threads", 0, "N", CMD_VIDEO | CMD_BENCH, "Model", OPTION_INT, AT(threads), 1, 4096, .help =
        "of decoding, filters and models together (default: number of cores)"},

    {"filters", 0, "CHAIN", CMD_VIDEO | CMD_BENCH, "Tokens", OPTION_TEXT, AT(filters), .help =
        "the chain, e.g. scene,fps=2,vtc_cls=keep=64; see winnow filters (default: auto)"},
    {"tokens", 't', "N", CMD_MODEL, "Tokens", OPTION_INT, AT(tokens), 1, 1 << 30, .help =
        "budget of KV cells for what is seen, of caption for each part (default: what the context "
        "holds, at most 16384 cells unless --ctx says more; caption: 4096)"},
    {"device", 'd', "NAME", CMD_MODEL | CMD_BENCH, "Tokens", OPTION_TEXT, AT(device), .help =
        "of the filters: auto, cpu, vulkan or part of a device's name (default: auto)"},
    {"window", 0, "BYTES", CMD_MODEL | CMD_BENCH, "Tokens", OPTION_INT, AT(window), 1 << 16, 1e12,
        .help =
        "uncompressed rows in one segment (default: 96M)"},
    {"no-cache", 0, NULL, CMD_VIDEO | CMD_INFO, "Tokens", OPTION_FLAG, AT(no_cache), .help =
        "neither look for this video's rows and packet index on disk nor leave them there"},
    {"cache-size", 0, "BYTES", CMD_MODEL, "Tokens", OPTION_INT, AT(cache_size), 1 << 16, BIG,
        .help =
        "most that rows of all videos take on disk (default: 2G)"},

    {"hwaccel", 0, "KIND", CMD_VIDEO, "Video", OPTION_CHOICE, AT(hwaccel),
        .choices = "auto|vaapi|cuda|vulkan|none", .help =
        "decode on a GPU through libav, in software where that fails (default: none)"},
    {"staged", 0, NULL, CMD_SCENES, "Video", OPTION_FLAG, AT(staged), .help =
        "decode only what key frames and packet sizes leave in doubt (scene=method=staged)"},
    {"max-scene", 0, "TIME", CMD_SCENES, "Video", OPTION_TIME, AT(max_scene), .help =
        "cut longer scenes into windows of this length (scene=max_len)"},
    {"start", 0, "TIME", CMD_VIDEO, "Video", OPTION_TIME, AT(start), .help =
        "where to begin: 90, 1:30 or 00:01:30.5"},
    {"end", 0, "TIME", CMD_VIDEO, "Video", OPTION_TIME, AT(end), .help =
        "where to stop (default: the end)"},
    {"stream", 0, "N", CMD_VIDEO, "Video", OPTION_INT, AT(stream), 0, 1e6, .help =
        "video stream by its index in the file (default: the best one)"},
    {"allow-cover", 0, NULL, CMD_VIDEO, "Video", OPTION_FLAG, AT(allow_cover), .help =
        "take the cover picture of a music file for an image"},
    {"subtitles", 0, "auto|FILE", CMD_ASK | CMD_CHAT, "Video", OPTION_TEXT, AT(subtitles), .help =
        "put a text track into the prompt at its times: the video's own or a file's"},
    {"max-pixels", 0, "N", CMD_VIDEO, "Video", OPTION_INT, AT(max_pixels), 1, 1e10, .help =
        "largest picture that is decoded (default: 178956970)"},
    {"max-duration", 0, "TIME", CMD_VIDEO, "Video", OPTION_TIME, AT(max_duration), .help =
        "longest video that is taken (default: any)"},
    {"max-frames", 0, "N", CMD_VIDEO, "Video", OPTION_INT, AT(max_frames), 1, BIG, .help =
        "most frames that are decoded (default: any number)"},

    {"max-tokens", 'n', "N", CMD_ANSWER | CMD_BENCH, "Answer", OPTION_INT, AT(max_tokens), 1,
        1 << 30, .help =
        "longest answer (default: 512)"},
    {"temp", 0, "X", CMD_ANSWER, "Answer", OPTION_REAL, AT(temp), 0, 100, .help =
        "temperature of sampling; 0 takes the likeliest token (default: 0)"},
    {"top-k", 0, "N", CMD_ANSWER, "Answer", OPTION_INT, AT(top_k), 1, 1 << 30, .help =
        "sample among the N likeliest tokens (default: 40)"},
    {"top-p", 0, "X", CMD_ANSWER, "Answer", OPTION_REAL, AT(top_p), 1e-6, 1, .help =
        "sample among the likeliest tokens of this probability (default: 0.95)"},
    {"seed", 0, "N", CMD_ANSWER, "Answer", OPTION_INT, AT(seed), 0, UINT32_MAX, .help =
        "of sampling (default: 0)"},
    {"system", 0, "TEXT", CMD_ANSWER, "Answer", OPTION_TEXT, AT(system), .help =
        "system message, if the model's template has a place for it"},
    {"dry-run", 0, NULL, CMD_ASK, "Answer", OPTION_FLAG, AT(dry_run), .help =
        "tell frames, tokens and memory at most, and ask nothing"},

    {"strategy", 0, "HOW", CMD_ASK, "Long videos", OPTION_CHOICE, AT(strategy),
        .choices = "once|budget|notes|split", .help =
        "once: frames spread over the video, in one prompt; budget: in one prompt, more of the "
        "parts that matter to the question; notes: a note on each part, then an answer from them; "
        "split: sub-questions over what budget shows, then an answer from theirs (default: once)"},
    {"segment", 0, "TIME", CMD_ASK, "Long videos", OPTION_TIME, AT(segment), .help =
        "longest part; a longer scene is cut (default: 30)"},
    {"look", 0, "N", CMD_ASK, "Long videos", OPTION_INT, AT(look), 1, 1 << 30, .help =
        "KV cells by which each part's relevance is found out (default: a fourth of --tokens)"},
    {"note-prompt", 0, "TEXT", CMD_ASK, "Long videos", OPTION_TEXT, AT(note_prompt), .help =
        "what is asked about each part, or @FILE (default: the model's own, or plain English)"},
    {"final-prompt", 0, "TEXT", CMD_ASK, "Long videos", OPTION_TEXT, AT(final_prompt), .help =
        "how the question is asked over notes, or @FILE"},
    {"split-prompt", 0, "TEXT", CMD_ASK, "Long videos", OPTION_TEXT, AT(split_prompt), .help =
        "how sub-questions are asked for, or @FILE"},
    {"nothing", 0, "TEXT", CMD_ASK, "Long videos", OPTION_TEXT, AT(nothing), .help =
        "the note on a part that says nothing; several with | between (default: nothing)"},

    {"frames", 0, "N", CMD_BENCH, "Shape", OPTION_INT, AT(frames), 1, 4096, .help =
        "of the film that is made up (default: 64)"},
    {"grid", 0, "HxW", CMD_BENCH, "Shape", OPTION_TEXT, AT(grid), .help =
        "rows of a frame (default: 24x24)"},
    {"dim", 0, "N", CMD_BENCH, "Shape", OPTION_INT, AT(dim), 1, 1 << 20, .help =
        "width of a row (default: 1024)"},
    {"rounds", 0, "N", CMD_BENCH, "Shape", OPTION_INT, AT(rounds), 1, 101, .help =
        "measured, after one that is not (default: 7)"},
    {"vit-ms", 0, "X", CMD_BENCH, "Shape", OPTION_REAL, AT(vit_ms), 0, 1e9, .help =
        "what the vision encoder takes a frame (default: measured where a model is given)"},

    {"keep", 0, "LIST", CMD_BENCH, "Accuracy", OPTION_TEXT, AT(keep), .help =
        "what goes where a chain has {} (default: 0.5,0.25,0.1,0.05)"},
    {"questions", 0, "N", CMD_BENCH, "Accuracy", OPTION_INT, AT(questions), 1, 1 << 30, .help =
        "only the first N questions"},
    {"compare", 0, NULL, CMD_BENCH, "Accuracy", OPTION_FLAG, AT(compare), .help =
        "the first chain against each other one, question by question (exact McNemar test)"},
    {"short", 0, NULL, CMD_BENCH, "Accuracy", OPTION_FLAG, AT(shorter), .help =
        "some minutes: every filter at a tenth of the tokens only"},
    {"against", 0, "FILE", CMD_BENCH, "Accuracy", OPTION_TEXT, AT(against), .help =
        "an earlier run's --json output: status 1 when a chain lost answers since (p < 0.01)"},
    {"plot", 0, "FILE", CMD_BENCH, "Accuracy", OPTION_TEXT, AT(plot), .help =
        "accuracy over kept tokens, as PNG"},

    {"prompt", 0, "TEXT", CMD_CAPTION | CMD_BATCH, "Captions", OPTION_TEXT, AT(prompt), .help =
        "what to ask about each part (default: describe the video.)"},
    {"segment", 0, "TIME", CMD_CAPTION | CMD_BATCH, "Captions", OPTION_TIME, AT(segment), .help =
        "longest part; a longer scene is cut (default: 30)"},
    {"summary", 0, NULL, CMD_CAPTION | CMD_BATCH, "Captions", OPTION_FLAG, AT(summary), .help =
        "tell of the whole, too, from the captions"},
    {"summary-prompt", 0, "TEXT", CMD_CAPTION | CMD_BATCH, "Captions", OPTION_TEXT,
        AT(summary_prompt), .help =
        "what to ask about the captions"},

    {"task", 0, "WHAT", CMD_BATCH, "Batch", OPTION_CHOICE, AT(task),
        .choices = "caption|ask|compress", .help =
        "caption, ask or compress each item (default: caption)"},
    {"question", 0, "TEXT", CMD_BATCH, "Batch", OPTION_TEXT, AT(question), .help =
        "what to ask about items that bring no question"},
    {"shard", 0, "I/N", CMD_BATCH, "Batch", OPTION_TEXT, AT(shard), .help =
        "only the items of this of N parts, I from 0"},
    {"jobs", 'j', "N", CMD_BATCH, "Batch", OPTION_INT, AT(jobs), 1, 64, .help =
        "items at once (default: as many as measuring finds to be fastest)"},
    {"item-timeout", 0, "TIME", CMD_BATCH, "Batch", OPTION_TIME, AT(item_timeout), .help =
        "an item that takes longer is set aside (default: any time)"},
    {"item-memory", 0, "BYTES", CMD_BATCH, "Batch", OPTION_INT, AT(item_memory), 1 << 20, BIG,
        .help =
        "what decoding an item may take with --isolate (default: 4 GiB); else address space of all"},
    {"isolate", 0, NULL, CMD_BATCH, "Batch", OPTION_FLAG, AT(isolate), .help =
        "decode each item in a process of its own: what crashes or fills it is that item's error"},
    {"retry-errors", 0, NULL, CMD_BATCH, "Batch", OPTION_FLAG, AT(retry_errors), .help =
        "do the items again that failed or were set aside"},

    {"format", 'f', "LIST", CMD_CAPTION, "Output", OPTION_TEXT, AT(format), .help =
        "text, txt, srt, vtt, jsonl, json, md, html; several with commas (default: text)"},
    {"sidecar", 0, "LIST", CMD_CAPTION, "Output", OPTION_TEXT, AT(sidecar), .help =
        "formats that are written beside each video"},
    {"output", 'o', "PATH", CMD_COMPRESS | CMD_INSPECT | CMD_CAPTION | CMD_BATCH | CMD_BENCH,
        "Output", OPTION_TEXT, AT(output), .help =
        "where to write: a file (compress), a folder (inspect, batch) or either (caption)"},
    {"lora", 0, "FILE", CMD_CONVERT, "Output", OPTION_TEXT, AT(lora), .help =
        "put TempMe's LoRA, a safetensors file, into attention, and leave the rest as it is"},
    {"dtype", 0, "TYPE", CMD_COMPRESS, "Output", OPTION_CHOICE, AT(dtype), .choices = "f32|f16",
        .help = "of the rows: f32 or f16 (default: f32)"},
    {"columns", 0, "N", CMD_INSPECT, "Output", OPTION_INT, AT(columns), 1, 64, .help =
        "pictures in a line of the contact sheet (default: 6)"},
    {"thumb", 0, "PIXELS", CMD_INSPECT | CMD_CAPTION, "Output", OPTION_INT, AT(thumb), 64, 1024,
        .help =
        "longer side of a picture in the contact sheet or report (default: 256)"},
    {"per-page", 0, "N", CMD_INSPECT, "Output", OPTION_INT, AT(per_page), 1, 1000, .help =
        "most pictures on one sheet (default: 48)"},
    {"json", 0, NULL, CMD_ALL & ~(CMD_HELP | CMD_CAPTION | CMD_BATCH), "Output", OPTION_FLAG,
        AT(json), .help =
        "one machine-readable object on stdout"},
    {"csv", 0, NULL, CMD_SCENES, "Output", OPTION_FLAG, AT(csv), .help =
        "a table with the columns of PySceneDetect's scene lists"},
    {"chapters", 0, "KIND", CMD_SCENES, "Output", OPTION_CHOICE, AT(chapters),
        .choices = "ffmetadata|ogm", .help =
        "scenes as chapters on stdout, for ffmpeg or for mkvmerge"},
    {"markdown", 0, NULL, CMD_FILTERS, "Output", OPTION_FLAG, AT(markdown), .help =
        "the table that stands in README.md"},
    {"strict", 0, NULL, CMD_VIDEO & ~CMD_BATCH, "Output", OPTION_FLAG, AT(strict), .help =
        "exit with 11 when a part of the file could not be decoded"},
    {"progress", 0, "HOW", CMD_VIDEO | CMD_BENCH, "Output", OPTION_CHOICE, AT(progress),
        .choices = "auto|bar|plain|json|none", .help =
        "auto, bar, plain, json or none; auto is a bar on a terminal (default: auto)"},
    {"color", 0, "WHEN", CMD_ALL, "Output", OPTION_CHOICE, AT(color),
        .choices = "auto|always|never", .help =
        "auto, always or never; NO_COLOR and FORCE_COLOR are heard (default: auto)"},
    {"quiet", 'q', NULL, CMD_ALL, "Output", OPTION_FLAG, AT(quiet), .help =
        "nothing on stderr but errors"},
    {"verbose", 'v', NULL, CMD_ALL, "Output", OPTION_COUNT, AT(verbose), .help =
        "say more; twice: everything"},
    {"help", 'h', NULL, CMD_ALL, "Output", OPTION_FLAG, AT(help), .help =
        "show this help"},
    {NULL},
};

int options_thumb(const struct options *opt)
{
    return opt->thumb ? (int)opt->thumb : 256;
}

/* ---- names ---- */

void option_env(const struct option_info *info, char *buf, size_t size)
{
    snprintf(buf, size, "WINNOW_%s", info->name);
    for (char *c = buf; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* Edits (insert, delete, replace) from a to b; words longer than 31 are never near. */
static int edit_distance(const char *a, const char *b)
{
    int row[32];
    int n = (int)strlen(b);

    if (strlen(a) > 31 || n > 31)
        return 99;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

const char *nearest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    int least = strlen(word) < 4 ? 2 : 3; /* below this many edits it is a typing mistake */

    for (int i = 0; i < n; i++) {
        int distance = words[i] ? edit_distance(word, words[i]) : 99;
        if (words[i] && strlen(word) >= 3 && !strncmp(word, words[i], strlen(word)))
            distance = 1;
        if (distance < least) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}

static const struct option_info *find_long(const char *name, size_t len, unsigned command)
{
    for (const struct option_info *o = option_table; o->name; o++)
        if (o->commands & command && strlen(o->name) == len && !memcmp(o->name, name, len))
            return o;
    return NULL;
}

static const struct option_info *find_letter(char letter, unsigned command)
{
    for (const struct option_info *o = option_table; o->name; o++)
        if (o->commands & command && o->letter == letter)
            return o;
    return NULL;
}

/* ---- values ---- */

struct parser {
    struct options *out;
    unsigned command;
    char *why;
    size_t why_size;
};

static int complain(const struct parser *p, const char *fmt, ...) PRINTF(2, 3);
static int complain(const struct parser *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(p->why, p->why_size, fmt, args);
    va_end(args);
    return -1;
}

static bool parse_number(const char *s, const struct option_info *o, double *out)
{
    char *end;

    if (!*s || isspace((unsigned char)*s))
        return false;
    errno = 0;
    *out = strtod(s, &end);
    if (end == s || errno || !isfinite(*out))
        return false;
    if (o->type == OPTION_INT && *end && o->max >= 1 << 20) {
        static const char suffix[] = "kMG";
        const char *at = strchr(suffix, *end == 'K' ? 'k' : *end);
        if (!at)
            return false;
        *out *= pow(1024, at - suffix + 1);
        end++;
    }
    return !*end && (o->type == OPTION_REAL || *out == floor(*out));
}

static bool is_choice(const char *s, const char *choices)
{
    size_t len = strlen(s);

    while (choices) {
        const char *bar = strchr(choices, '|');
        size_t n = bar ? (size_t)(bar - choices) : strlen(choices);
        if (n == len && !memcmp(choices, s, n))
            return true;
        choices = bar ? bar + 1 : NULL;
    }
    return false;
}

/* `name` is what the user wrote: --tokens, -t or WINNOW_TOKENS. */
static int set_value(const struct parser *p, const struct option_info *o, const char *name,
                     const char *value)
{
    void *at = (char *)p->out + o->offset;
    char shown[128];
    double number;

    escape(shown, sizeof(shown), value);
    switch (o->type) {
    case OPTION_FLAG:
    case OPTION_COUNT:
        return complain(p, "%s takes no value", name);
    case OPTION_TEXT:
        *(const char **)at = value;
        return 0;
    case OPTION_CHOICE:
        if (!is_choice(value, o->choices))
            return complain(p, "%s: \"%s\" is none of %s", name, shown, o->choices);
        *(const char **)at = value;
        return 0;
    case OPTION_TIME:
        if (parse_time(value, &number) < 0)
            return complain(p, "%s: \"%s\" is not a time (90, 1:30 or 00:01:30.5)", name, shown);
        *(double *)at = number;
        return 0;
    case OPTION_INT:
    case OPTION_REAL:
        break;
    }
    if (!parse_number(value, o, &number))
        return complain(p, "%s: \"%s\" is not %s number", name, shown,
                        o->type == OPTION_INT ? "a whole" : "a");
    if (number < o->min || number > o->max)
        return complain(p, "%s: %s is not between %.15g and %.15g", name, shown, o->min, o->max);
    if (o->type == OPTION_REAL)
        *(double *)at = number;
    else
        *(int64_t *)at = (int64_t)number + (o->offset == AT(stream));
    return 0;
}

static void set_flag(const struct parser *p, const struct option_info *o)
{
    void *at = (char *)p->out + o->offset;

    if (o->type == OPTION_COUNT)
        ++*(int64_t *)at;
    else
        *(bool *)at = true;
}

static bool is_flag(const struct option_info *o)
{
    return o->type == OPTION_FLAG || o->type == OPTION_COUNT;
}

/* ---- environment ---- */

static int read_environment(const struct parser *p)
{
    for (const struct option_info *o = option_table; o->name; o++) {
        char name[64];
        const char *value;

        option_env(o, name, sizeof(name));
        value = o->commands & p->command && o->offset != AT(help) ? getenv(name) : NULL;
        if (!value || !*value)
            continue;
        if (!is_flag(o)) {
            if (set_value(p, o, name, value) < 0)
                return -1;
        } else if (is_choice(value, "1|yes|true|on")) {
            set_flag(p, o);
        } else if (!is_choice(value, "0|no|false|off")) {
            return complain(p, "%s: neither 1 nor 0", name);
        }
    }
    return 0;
}

/* ---- arguments ---- */

static int unknown_long(const struct parser *p, const char *word, size_t len)
{
    const char *names[128];
    char name[64], shown[80];
    const char *near;
    int n = 0;

    snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), word);
    escape(shown, sizeof(shown), name);
    if (find_long(name, strlen(name), CMD_ALL))
        return complain(p, "--%s is not an option of this command", shown);
    for (const struct option_info *o = option_table; o->name && n < 128; o++)
        names[n++] = o->commands & p->command ? o->name : NULL;
    near = nearest(name, names, n);
    if (near)
        return complain(p, "unknown option --%s; did you mean --%s?", shown, near);
    return complain(p, "unknown option --%s", shown);
}

/* Gives how many words of argv were used, or -1. */
static int parse_long(const struct parser *p, char **argv, int left)
{
    const char *word = argv[0] + 2;
    size_t len = strcspn(word, "=");
    const struct option_info *o = find_long(word, len, p->command);
    char name[80];

    if (!o)
        return unknown_long(p, word, len);
    snprintf(name, sizeof(name), "--%s", o->name);
    if (word[len] == '=')
        return set_value(p, o, name, word + len + 1) < 0 ? -1 : 1;
    if (is_flag(o)) {
        set_flag(p, o);
        return 1;
    }
    if (left < 2)
        return complain(p, "%s wants a value: %s", name, o->value);
    return set_value(p, o, name, argv[1]) < 0 ? -1 : 2;
}

static int parse_letters(const struct parser *p, char **argv, int left)
{
    for (const char *c = argv[0] + 1; *c; c++) {
        const struct option_info *o = find_letter(*c, p->command);
        char name[] = {'-', *c, '\0'};
        char shown[128];

        if (!o)
            return complain(p, "unknown option -%c in \"%s\" (a name that begins with - goes after "
                            "--)", isprint((unsigned char)*c) ? *c : '?',
                            escape(shown, sizeof(shown), argv[0]));
        if (is_flag(o)) {
            set_flag(p, o);
            continue;
        }
        if (c[1])
            return set_value(p, o, name, c + 1) < 0 ? -1 : 1;
        if (left < 2)
            return complain(p, "%s wants a value: %s", name, o->value);
        return set_value(p, o, name, argv[1]) < 0 ? -1 : 2;
    }
    return 1;
}

int options_parse(struct options *out, unsigned command, int argc, char **argv, char **args,
                  int *n_args, char *why, size_t why_size)
{
    const struct parser p = {out, command, why, why_size};
    bool options_end = false;

    *n_args = 0;
    if (read_environment(&p) < 0)
        return -1;
    for (int i = 0; i < argc;) {
        int used = 1;

        if (options_end || argv[i][0] != '-' || !argv[i][1])
            args[(*n_args)++] = argv[i];
        else if (!strcmp(argv[i], "--"))
            options_end = true;
        else if (argv[i][1] == '-')
            used = parse_long(&p, argv + i, argc - i);
        else
            used = parse_letters(&p, argv + i, argc - i);
        if (used < 0)
            return -1;
        if (out->help)
            return 0;
        i += used;
    }
    if (out->end > 0 && out->end <= out->start)
        return complain(&p, "--end: not after --start");
    return 0;
}
