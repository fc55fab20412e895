/* SPDX-License-Identifier: MIT */
/* Questions with known answers, the chains they are asked through, and what was answered before. */
#include "accuracy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_part(const char *s, size_t n)
{
    char *c = malloc(n + 1);

    if (c) {
        memcpy(c, s, n);
        c[n] = 0;
    }
    return c;
}

/* ---- the questions ---- */

static char *beside(const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');
    const size_t n = slash && *name != '/' ? (size_t)(slash - file) + 1 : 0, m = strlen(name);
    char *path = malloc(n + m + 1);

    if (path) {
        memcpy(path, file, n);
        memcpy(path + n, name, m + 1);
    }
    return path;
}

static const char *text_of(const json_t *line, const char *key, const char *fallback)
{
    const json_t *v = json_object_get(line, key);

    return json_is_string(v) ? json_string_value(v) : fallback;
}

static int add_item(struct tool *tool, struct acc *acc, json_t *line, int number)
{
    const char *file = tool->args[1];
    const json_t *answers = json_object_get(line, "answers");
    struct acc_item *list;

    if (!text_of(line, "video", NULL) || !text_of(line, "question", NULL) ||
        !json_is_array(answers) || !json_array_size(answers)) {
        json_decref(line);
        return tool_fail(tool, STATUS_DATA, "%s: line %d is no object with video, question and a "
                         "list of answers", file, number);
    }
    list = realloc(acc->item, ((size_t)acc->n_items + 1) * sizeof(*list));
    if (!list) {
        json_decref(line);
        return tool_fail(tool, STATUS_NOMEM, "out of memory");
    }
    acc->item = list;
    list[acc->n_items++] = (struct acc_item){
        .video = text_of(line, "video", NULL),
        .question = text_of(line, "question", NULL),
        .family = text_of(line, "family", "all"),
        .filters = text_of(line, "filters", NULL),
        .path = beside(file, text_of(line, "video", NULL)),
        .line = line,
    };
    return STATUS_OK;
}

int acc_read_items(struct tool *tool, struct acc *acc)
{
    FILE *f = fopen(tool->args[1], "rb");
    char *text = NULL;
    size_t size = 0;
    int status = STATUS_OK;

    if (!f)
        return tool_fail(tool, STATUS_INPUT, "%s cannot be opened: %s", tool->args[1],
                         strerror(errno));
    for (int number = 1; status == STATUS_OK && getline(&text, &size, f) >= 0; number++) {
        if (!text[strspn(text, " \t\r\n")])
            continue;
        if (tool->opt.questions && acc->n_items == tool->opt.questions)
            break;
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (!line)
            status = tool_fail(tool, STATUS_DATA, "%s: line %d is not JSON", tool->args[1], number);
        else
            status = add_item(tool, acc, line, number);
    }
    free(text);
    fclose(f);
    if (status == STATUS_OK && !acc->n_items)
        status = tool_fail(tool, STATUS_DATA, "%s holds no question", tool->args[1]);
    return status;
}

/* ---- the chains ---- */

/* Whether every filter of a chain acts on tokens and on nothing before. */
static bool on_tokens(const char *chain)
{
    for (const char *at = chain; *at; at += strcspn(at, ","), at += *at == ',') {
        const size_t n = strcspn(at, "=,");
        const struct wn_filter_info *f = NULL;
        for (int i = 0; (f = wn_filter(i)); i++) {
            if (strlen(f->name) == n && !strncmp(f->name, at, n))
                break;
        }
        if (!f || strcmp(f->places, "token") || !strcmp(f->family, "budget"))
            return false;
    }
    return true;
}

/* Not a chain, but what the quiz itself knows: the ceiling of all that choose rows. */
#define ORACLE "oracle=keep="

/* A preset's name and ={}. */
static bool is_preset(const char *name, const char *hole)
{
    const struct wn_preset_info *p;

    for (int i = 0; hole && (p = wn_preset(i)); i++) {
        const size_t n = strlen(p->name);
        if (!strncmp(name, p->name, n) && hole == name + n + 1 && !strcmp(name + n, "={}"))
            return true;
    }
    return false;
}

static int add_case(struct acc *acc, const char *name, double keep)
{
    struct acc_case *c = &acc->cases[acc->n_cases];
    const char *hole = strstr(name, "{}");
    char share[32];
    size_t size;

    if (acc->n_cases == ACC_MOST_CASES)
        return 0;
    snprintf(share, sizeof(share), "%g", keep);
    size = strlen(name) + sizeof(share) + sizeof("scores=per=segment:keep=");
    c->name = copy_part(name, strlen(name));
    c->chain = malloc(size);
    if (!c->name || !c->chain) {
        free(c->name);
        free(c->chain);
        *c = (struct acc_case){0};
        return -1;
    }
    if (!strncmp(name, ORACLE, strlen(ORACLE)))
        snprintf(c->chain, size, "scores=per=segment:keep=%s", share);
    else if (hole)
        snprintf(c->chain, size, "%.*s%s%s", (int)(hole - name), name, share, hole + 2);
    else
        snprintf(c->chain, size, "%s", name);
    c->keep = hole ? keep : 1;
    if (!strcmp(name, "blind")) {
        free(c->chain);
        c->chain = NULL;
    } else if (!strcmp(name, "off")) {
        c->chain[0] = 0;
    }
    c->oracle = !strncmp(name, ORACLE, strlen(ORACLE));
    c->preset = is_preset(name, hole);
    if (c->preset) /* the share is in the budget */
        c->chain[hole - name - 1] = 0;
    c->whole = c->oracle || c->preset || (c->chain && !on_tokens(c->chain));
    acc->n_cases++;
    return 0;
}

/* One chain at every share, where it has a place for it. */
static int add_shares(struct acc *acc, const char *name, const char *shares)
{
    char *end;

    if (!strstr(name, "{}"))
        return add_case(acc, name, 1);
    for (const char *at = shares; *at; at = *end == ',' ? end + 1 : end) {
        const double keep = strtod(at, &end);
        if (end == at)
            return -1;
        if (add_case(acc, name, keep))
            return -1;
    }
    return 0;
}

/* Every filter of tokens that counts what remains; `scores` is what the oracle runs. */
static int add_all(struct acc *acc, const char *shares)
{
    const struct wn_filter_info *f;
    char name[128];

    for (int i = 0; (f = wn_filter(i)); i++) {
        bool keep = false;
        for (int k = 0; k < f->n_options; k++)
            keep |= !strcmp(f->options[k].name, "keep");
        if (!keep || !strstr(f->places, "token") || !strcmp(f->family, "budget") ||
            !strcmp(f->name, "scores"))
            continue;
        snprintf(name, sizeof(name), strstr(f->places, "encoder") ? "%s=at=token:keep={}"
                                                                   : "%s=keep={}", f->name);
        if (add_shares(acc, name, shares))
            return -1;
    }
    return 0;
}

int acc_list_cases(struct tool *tool, struct acc *acc)
{
    const char *fallback = tool->opt.shorter ? "0.1" : "0.5,0.25,0.1,0.05";
    const char *shares = tool->opt.keep ? tool->opt.keep : fallback;
    const char *list = tool->opt.filters;
    int bad = add_case(acc, "off", 1);

    if (!list)
        bad = bad || add_case(acc, "blind", 1) || add_case(acc, "shuffle", 1) ||
              add_shares(acc, ORACLE "{}", shares) || add_all(acc, shares);
    while (!bad && list && *list) {
        const size_t n = strcspn(list, ";");
        char *name = copy_part(list, n);
        bad = !name || (strcmp(name, "off") && add_shares(acc, name, shares));
        free(name);
        list += n + (list[n] == ';');
    }
    if (bad)
        return tool_fail(tool, STATUS_USAGE, "--keep is a list of numbers, such as 0.5,0.25,0.1");
    return STATUS_OK;
}

/* ---- answers ---- */

/* Letters and digits, small, one space between words. */
static void plain(char *dst, size_t size, const char *s)
{
    size_t n = 0;

    for (; *s && n + 1 < size; s++) {
        const unsigned char c = (unsigned char)*s;
        if (isalnum(c) || c >= 128)
            dst[n++] = (char)tolower(c);
        else if (n && dst[n - 1] != ' ')
            dst[n++] = ' ';
    }
    while (n && dst[n - 1] == ' ')
        n--;
    dst[n] = 0;
}

bool acc_accepted(const struct acc_item *item, const char *answer)
{
    const json_t *list = json_object_get(item->line, "answers"), *one;
    char got[512], want[512];
    size_t i;

    plain(got, sizeof(got), answer);
    json_array_foreach(list, i, one) {
        if (!json_is_string(one))
            continue;
        plain(want, sizeof(want), json_string_value(one));
        if (!strcmp(got, want))
            return true;
    }
    return false;
}

/* ---- what the quiz knows ---- */

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Length that [a0, a1] and [b0, b1] have in common. */
static double common(double a0, double a1, double b0, double b1)
{
    const double low = a0 > b0 ? a0 : b0, high = a1 < b1 ? a1 : b1;

    return high > low ? high - low : 0;
}

/* An object is {"t0", "t1": seconds, "x0", "y0", "x1", "y1": parts of the picture}. What was not
 * there in the frame before counts more than what only stays; the rest is in no order. */
int acc_score(void *opaque, const struct wn_frame_info *frame, float *scores)
{
    struct acc_truth *truth = opaque;
    const int32_t h = frame->grid_h, w = frame->grid_w;
    const uint32_t lot = 2654435761u;
    const json_t *o;
    size_t k;

    if (h < 1 || w < 1 || frame->n_rows != h * w)
        truth->unfit = true;
    for (int32_t i = 0; i < frame->n_rows; i++)
        scores[i] = 1e-9f * (float)((uint32_t)(i + frame->n_rows * frame->index) * lot >> 8);
    json_array_foreach(truth->objects, k, o) {
        const double t0 = number_of(o, "t0");
        if (frame->time < t0 - 1e-3 || frame->time >= number_of(o, "t1") - 1e-3 || truth->unfit)
            continue;
        const double fresh = !truth->started || truth->last < t0 - 1e-3;
        const double y0 = h * number_of(o, "y0"), y1 = h * number_of(o, "y1");
        const double x0 = w * number_of(o, "x0"), x1 = w * number_of(o, "x1");
        for (int32_t i = 0; i < h * w; i++) {
            const double y = common(i / w, i / w + 1, y0, y1);
            const double x = common(i % w, i % w + 1, x0, x1);
            if (x * y > 0)
                scores[i] += (float)(x * y + fresh);
        }
    }
    truth->last = frame->time;
    truth->started = true;
    return 0;
}

/* ---- what was measured before ---- */

static void take_record(struct acc *acc, const json_t *record)
{
    const char *video = text_of(record, "video", ""), *question = text_of(record, "question", "");
    const char *name = text_of(record, "chain", "");
    const double keep = json_number_value(json_object_get(record, "keep"));

    for (int c = 0; c < acc->n_cases; c++) {
        if (strcmp(acc->cases[c].name, name) || acc->cases[c].keep != keep)
            continue;
        for (int i = 0; i < acc->n_items; i++) {
            if (strcmp(acc->item[i].video, video) || strcmp(acc->item[i].question, question))
                continue;
            acc->result[i * acc->n_cases + c] = (struct acc_result){
                .done = true,
                .right = json_is_true(json_object_get(record, "right")),
                .before = json_integer_value(json_object_get(record, "tokens_before")),
                .after = json_integer_value(json_object_get(record, "tokens_after")),
                .prefill_s = number_of(record, "prefill_s"),
                .first_s = number_of(record, "first_token_s"),
            };
        }
    }
}

/* A line that a crash tore is measured again; the file goes on behind a line's end. */
FILE *acc_open_records(struct tool *tool, struct acc *acc)
{
    FILE *f = fopen(tool->opt.output, "a+b");
    char *text = NULL;
    size_t size = 0;
    bool whole = true;

    if (!f) {
        tool_fail(tool, STATUS_OUTPUT, "%s cannot be written: %s", tool->opt.output,
                  strerror(errno));
        return NULL;
    }
    rewind(f);
    for (ssize_t n; (n = getline(&text, &size, f)) > 0;) {
        json_t *record = json_loads(text, 0, NULL);
        whole = text[n - 1] == '\n';
        if (record)
            take_record(acc, record);
        json_decref(record);
    }
    free(text);
    fseek(f, 0, SEEK_END);
    if (!whole)
        fputc('\n', f);
    return f;
}

int acc_write_record(struct tool *tool, FILE *f, const struct acc_item *item,
                        const struct acc_case *c, const struct acc_result *r, const char *answer)
{
    json_t *o = json_object();
    char *text;
    int bad;

    if (!f) {
        json_decref(o);
        return STATUS_OK;
    }
    json_object_set_new(o, "video", json_text(item->video));
    json_object_set_new(o, "question", json_text(item->question));
    json_object_set_new(o, "family", json_text(item->family));
    json_object_set_new(o, "chain", json_text(c->name));
    json_object_set_new(o, "keep", json_number(c->keep));
    json_object_set_new(o, "answer", json_text(answer));
    json_object_set_new(o, "right", json_boolean(r->right));
    json_object_set_new(o, "tokens_before", json_integer(r->before));
    json_object_set_new(o, "tokens_after", json_integer(r->after));
    json_object_set_new(o, "prefill_s", json_number(r->prefill_s));
    json_object_set_new(o, "first_token_s", json_number(r->first_s));
    text = json_dumps(o, JSON_COMPACT);
    bad = !text || fputs(text, f) < 0 || fputc('\n', f) == EOF || fflush(f);
    free(text);
    json_decref(o);
    return bad ? tool_fail(tool, STATUS_OUTPUT, "%s cannot be written: %s", tool->opt.output,
                           strerror(errno)) : STATUS_OK;
}
