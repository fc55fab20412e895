/* SPDX-License-Identifier: MIT */
#include "accuracy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"

struct acc_sum acc_sum(const struct acc *acc, int c, const char *family)
{
    struct acc_sum s = {0};
    double before = 0, after = 0;

    for (int i = 0; i < acc->n_items; i++) {
        const struct acc_result *r = &acc->result[i * acc->n_cases + c];
        if (!r->done || (family && strcmp(acc->item[i].family, family)))
            continue;
        s.n++;
        s.right += r->right;
        s.prefill_s += r->prefill_s;
        s.first_s += r->first_s;
        before += (double)r->before;
        after += (double)r->after;
    }
    s.share = before > 0 ? after / before : 0;
    s.prefill_s = s.n ? s.prefill_s / s.n : 0;
    s.first_s = s.n ? s.first_s / s.n : 0;
    return s;
}

void acc_interval(int right, int n, double *low, double *high)
{
    const double z = 1.959964, p = n ? (double)right / n : 0;
    const double middle = n ? (p + z * z / (2 * n)) / (1 + z * z / n) : 0.5;
    const double half = n ? z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n)) / (1 + z * z / n)
                          : 0.5;

    *low = middle - half;
    *high = middle + half;
}

/* How likely a coin falls on its rarer side `least` times or fewer, either side, in n. */
static double coin(int n, int least)
{
    double p = 0;

    for (int k = 0; k <= least; k++)
        p += exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) - n * log(2.0));
    return p > 0.5 ? 1 : 2 * p;
}

double acc_mcnemar(const struct acc *acc, int a, int b, int *only_a, int *only_b)
{
    *only_a = *only_b = 0;
    for (int i = 0; i < acc->n_items; i++) {
        const struct acc_result *r = &acc->result[i * acc->n_cases];
        if (!r[a].done || !r[b].done || r[a].right == r[b].right)
            continue;
        *(r[a].right ? only_a : only_b) += 1;
    }
    return coin(*only_a + *only_b, *only_a < *only_b ? *only_a : *only_b);
}

/* Case c is the first of its chain: shares of one chain stand together. */
static bool begins(const struct acc *acc, int c)
{
    return c == 0 || strcmp(acc->cases[c].name, acc->cases[c - 1].name);
}

void acc_print(const struct acc *acc)
{
    printf("%-40s %6s %7s %6s %13s %5s %10s %8s\n", "filters", "keep", "tokens", "right", "95 %",
           "of", "prefill ms", "first ms");
    for (int c = 0; c < acc->n_cases; c++) {
        const struct acc_sum s = acc_sum(acc, c, NULL);
        double low, high;
        if (!s.n)
            continue;
        acc_interval(s.right, s.n, &low, &high);
        printf("%-40.40s %6g %6.1f%% %5.1f%% %5.1f .. %5.1f %5d %10.1f %8.1f\n",
               begins(acc, c) ? acc->cases[c].name : "", acc->cases[c].keep, 100 * s.share,
               100.0 * s.right / s.n, 100 * low, 100 * high, s.n, 1e3 * s.prefill_s,
               1e3 * s.first_s);
    }
}

/* The chain that was named first against each other one, share by share. */
void acc_compare(const struct acc *acc)
{
    const char *first = NULL;

    for (int a = 1; a < acc->n_cases; a++) {
        first = first ? first : acc->cases[a].name;
        if (strcmp(acc->cases[a].name, first))
            continue;
        for (int b = 1; b < acc->n_cases; b++) {
            int only_a, only_b;
            if (!strcmp(acc->cases[b].name, first) || acc->cases[b].keep != acc->cases[a].keep)
                continue;
            const double p = acc_mcnemar(acc, a, b, &only_a, &only_b);
            printf("%g: %s alone is right %d times, %s alone %d times: p = %.3g\n",
                   acc->cases[a].keep, first, only_a, acc->cases[b].name, only_b, p);
        }
    }
}

/* Answers of one case against its letters of another run. */
static bool worse(struct tool *tool, const struct acc *acc, int c, const char *earlier)
{
    int lost = 0, won = 0;
    char text[256];

    for (int i = 0; i < acc->n_items; i++) {
        const struct acc_result *r = &acc->result[i * acc->n_cases + c];
        if (!r->done || earlier[i] == '-')
            continue;
        lost += !r->right && earlier[i] == '1';
        won += r->right && earlier[i] == '0';
    }
    const double p = coin(lost + won, lost < won ? lost : won);
    if (lost <= won || p >= 0.01)
        return false;
    snprintf(text, sizeof(text), "%.100s at %g: %d answers are wrong that were right, %d right "
             "that were wrong: p = %.2g", acc->cases[c].name, acc->cases[c].keep, lost, won, p);
    term_warn(&tool->term, NULL, text);
    return true;
}

int acc_against(struct tool *tool, const struct acc *acc, const char *path)
{
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error), *one;
    int compared = 0, bad = 0;
    char text[64];
    size_t k;

    if (!file)
        return tool_fail(tool, STATUS_INPUT, "%s: %s", path, error.text);
    json_array_foreach(json_object_get(file, "cases"), k, one) {
        const char *name = json_string_value(json_object_get(one, "filters"));
        const json_t *answers = json_object_get(one, "answers");
        const double keep = json_number_value(json_object_get(one, "keep"));
        if (!name || json_string_length(answers) < (size_t)acc->n_items)
            continue;
        for (int c = 0; c < acc->n_cases; c++) {
            if (strcmp(acc->cases[c].name, name) || acc->cases[c].keep != keep)
                continue;
            compared++;
            bad += worse(tool, acc, c, json_string_value(answers));
        }
    }
    json_decref(file);
    if (!compared)
        return tool_fail(tool, STATUS_DATA, "%s holds no case of these questions: it is what "
                         "--json printed for the same quiz", path);
    snprintf(text, sizeof(text), "%d of %d cases are worse than they were", bad, compared);
    if (bad)
        term_error(&tool->term, path, text);
    else
        term_note(&tool->term, "%s", text);
    return bad ? STATUS_SOME : STATUS_OK;
}

static void set_score(json_t *object, const struct acc_sum *s)
{
    double low, high;

    acc_interval(s->right, s->n, &low, &high);
    json_object_set_new(object, "n", json_integer(s->n));
    json_object_set_new(object, "right", json_integer(s->right));
    json_object_set_new(object, "low", json_number(low));
    json_object_set_new(object, "high", json_number(high));
}

static json_t *families_json(const struct acc *acc, int c)
{
    json_t *object = json_object();

    for (int i = 0; i < acc->n_items; i++) {
        const char *family = acc->item[i].family;
        if (json_object_get(object, family))
            continue;
        const struct acc_sum s = acc_sum(acc, c, family);
        json_t *score = json_object();
        set_score(score, &s);
        json_object_set_new(object, family, score);
    }
    return object;
}

/* A letter a question, in the quiz's order: 1 right, 0 wrong, - not asked. */
static json_t *answers_json(const struct acc *acc, int c)
{
    char *text = malloc((size_t)acc->n_items + 1);
    json_t *string;

    for (int i = 0; text && i < acc->n_items; i++) {
        const struct acc_result *r = &acc->result[i * acc->n_cases + c];
        text[i] = !r->done ? '-' : r->right ? '1' : '0';
    }
    string = text ? json_stringn(text, (size_t)acc->n_items) : json_null();
    free(text);
    return string;
}

json_t *acc_json(const struct acc *acc)
{
    json_t *list = json_array();

    for (int c = 0; c < acc->n_cases; c++) {
        const struct acc_sum s = acc_sum(acc, c, NULL);
        json_t *object = json_object();
        json_object_set_new(object, "filters", json_text(acc->cases[c].name));
        json_object_set_new(object, "keep", json_number(acc->cases[c].keep));
        set_score(object, &s);
        json_object_set_new(object, "tokens_share", json_number(s.share));
        json_object_set_new(object, "prefill_s", json_number(s.prefill_s));
        json_object_set_new(object, "first_token_s", json_number(s.first_s));
        json_object_set_new(object, "families", families_json(acc, c));
        json_object_set_new(object, "answers", answers_json(acc, c));
        json_array_append_new(list, object);
    }
    return list;
}

/* ---- the plot ---- */

enum { WIDTH = 1100, HEIGHT = 640, LEFT = 70, RIGHT = 700, TOP = 30, BOTTOM = 590 };

static const struct color black = {20, 20, 20}, grey = {205, 205, 205};

/* Shares from 1/50 to 1, by their logarithm. */
static int x_of(double share)
{
    const double at = 1 + log(share > 0.02 ? share : 0.02) / log(50);

    return LEFT + (int)(at * (RIGHT - LEFT));
}

static int y_of(double accuracy)
{
    return BOTTOM - (int)(accuracy * (BOTTOM - TOP));
}

static void draw_axes(struct canvas *canvas)
{
    static const double share[] = {0.02, 0.05, 0.1, 0.25, 0.5, 1};
    char text[32];

    for (int i = 0; i <= 10; i += 2) {
        canvas_fill(canvas, (struct box){LEFT, y_of(i / 10.0), RIGHT - LEFT, 1}, grey);
        snprintf(text, sizeof(text), "%d%%", i * 10);
        canvas_text(canvas, 10, y_of(i / 10.0) - 7, LEFT, 2, black, text);
    }
    for (size_t i = 0; i < sizeof(share) / sizeof(share[0]); i++) {
        canvas_fill(canvas, (struct box){x_of(share[i]), TOP, 1, BOTTOM - TOP}, grey);
        snprintf(text, sizeof(text), "%g%%", 100 * share[i]);
        canvas_text(canvas, x_of(share[i]) - 18, BOTTOM + 10, WIDTH, 2, black, text);
    }
    canvas_text(canvas, LEFT, BOTTOM + 30, WIDTH, 1, black,
                "right answers over tokens kept, with 95 % intervals");
}

static void draw_line(struct canvas *canvas, int x0, int y0, int x1, int y1, struct color color)
{
    const int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);

    for (int i = 0; i <= steps; i++) {
        const double t = steps ? (double)i / steps : 0;
        const int x = (int)(x0 + t * (x1 - x0)), y = (int)(y0 + t * (y1 - y0));
        canvas_fill(canvas, (struct box){x, y, 2, 2}, color);
    }
}

/* Yellow on white is hard to see. */
static struct color darker(struct color c)
{
    return (struct color){(uint8_t)(c.r * 3 / 4), (uint8_t)(c.g * 3 / 4), (uint8_t)(c.b * 3 / 4)};
}

/* Without what all of them have. */
static void draw_name(struct canvas *canvas, int y, struct color color, const char *name)
{
    char text[64];
    const char *hole = strstr(name, "keep={}");
    const int n = hole && hole > name ? (int)(hole - name) - 1 : (int)strlen(name);

    snprintf(text, sizeof(text), "%.*s%s", n, name, hole ? hole + 7 : "");
    canvas_text(canvas, RIGHT + 20, y, WIDTH, 1, color, text);
}

int acc_plot(struct tool *tool, const struct acc *acc, const char *path)
{
    struct canvas canvas;
    char why[256];
    int lines = 0, line = 0, x = 0, y = 0;

    if (canvas_init(&canvas, WIDTH, HEIGHT, (struct color){255, 255, 255}))
        return tool_fail(tool, STATUS_NOMEM, "out of memory");
    draw_axes(&canvas);
    for (int c = 0; c < acc->n_cases; c++)
        lines += begins(acc, c);
    for (int c = 0; c < acc->n_cases; c++) {
        const struct acc_sum s = acc_sum(acc, c, NULL);
        double low, high;
        line += begins(acc, c);
        if (!s.n)
            continue;
        const struct color color = darker(color_of_hue((double)(line - 1) / lines));
        const int px = x_of(s.share), py = y_of((double)s.right / s.n);
        acc_interval(s.right, s.n, &low, &high);
        if (begins(acc, c))
            draw_name(&canvas, TOP + 14 * (line - 1), color, acc->cases[c].name);
        else
            draw_line(&canvas, x, y, px, py, color);
        canvas_fill(&canvas, (struct box){px, y_of(high), 1, y_of(low) - y_of(high)}, color);
        canvas_fill(&canvas, (struct box){px - 3, py - 3, 7, 7}, color);
        x = px;
        y = py;
    }
    const int bad = canvas_write_png(&canvas, path, why, sizeof(why));
    canvas_finish(&canvas);
    return bad ? tool_fail(tool, STATUS_OUTPUT, "%s", why) : STATUS_OK;
}
