/* SPDX-License-Identifier: MIT */
/* What `winnow bench accuracy` measures, and how it is told. */
#ifndef WINNOW_ACCURACY_H
#define WINNOW_ACCURACY_H

#include <stdio.h>

#include "tool.h"

enum { ACC_MOST_CASES = 256 };

struct acc_item { /* one question */
    const char *video, *question, *family, *filters; /* borrowed from `line` */
    char *path;                                      /* of the video */
    json_t *line;
};

struct acc_case { /* one chain of filters at one share */
    char *chain;  /* as it runs; "": nothing is pruned; NULL: nothing is shown */
    char *name;   /* the chain with {} where the share stands */
    double keep;  /* 1: the chain has no {} */
    bool whole;   /* acts before tokens too: the video is encoded for it alone */
    bool oracle;  /* rows are scored by the quiz's own `objects` */
    bool preset;  /* chooses frames too, and gets `keep` of the visual tokens as its budget */
    bool refused; /* this model does not give what it needs */
};

struct acc_result {
    bool done, right;
    int64_t before, after; /* visual tokens */
    double prefill_s, first_s; /* first_s: to the first token, decoding and encoding counted */
};

struct acc {
    struct acc_item *item;
    int n_items;
    struct acc_case cases[ACC_MOST_CASES];
    int n_cases;
    struct acc_result *result; /* [n_items][n_cases] */
};

/* From the file that the tool's arguments name, and from its options. Statuses. */
int acc_read_items(struct tool *tool, struct acc *acc);
int acc_list_cases(struct tool *tool, struct acc *acc);
bool acc_accepted(const struct acc_item *item, const char *answer);
/* The file that --output names: what it holds is taken as measured; more is written behind it. NULL
 * after a message. */
FILE *acc_open_records(struct tool *tool, struct acc *acc);
int acc_write_record(struct tool *tool, FILE *f, const struct acc_item *item,
                     const struct acc_case *c, const struct acc_result *r, const char *answer);

struct acc_sum {
    int n, right;
    double share; /* of the visual tokens that stayed */
    double prefill_s, first_s;
};
/* family NULL: all of them. */
struct acc_sum acc_sum(const struct acc *acc, int c, const char *family);
/* Importance of a frame's rows by what the question's line says is in the picture: for on_scores of
 * struct wn_source_params, opaque is a struct acc_truth. */
struct acc_truth {
    const json_t *objects;
    double last; /* time of the frame before */
    bool started, unfit; /* unfit: rows are not the cells of a grid */
};
int acc_score(void *opaque, const struct wn_frame_info *frame, float *scores);

/* Wilson's interval at 95 %, as shares. */
void acc_interval(int right, int n, double *low, double *high);
/* Exact McNemar: how likely a difference as large between two cases is by chance. */
double acc_mcnemar(const struct acc *acc, int a, int b, int *only_a, int *only_b);

void acc_print(const struct acc *acc);
void acc_compare(const struct acc *acc);
json_t *acc_json(const struct acc *acc);
/* Cases that lost answers since the file, written by --json, was made; a status, STATUS_SOME when
 * there are any. */
int acc_against(struct tool *tool, const struct acc *acc, const char *path);
/* Accuracy over kept tokens, a line a chain. A status. */
int acc_plot(struct tool *tool, const struct acc *acc, const char *path);

int run_accuracy(struct tool *tool);

#endif
