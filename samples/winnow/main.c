/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"
#include "tool.h"

const struct command commands[] = {
    {"ask", CMD_ASK, "VIDEO \"question\"", 2, 2, {"VIDEO", "the question"},
        "answer a question about a video or an image",
        "The answer goes to stdout as it is made, a line of figures to stderr. With --json one\n"
        "object holds the answer, tokens before and after, frames, scenes, the time of each\n"
        "stage, the time to the first token and the peak memory.\n\n"
        "With --strategy budget, notes or split every part of a long video is looked at by\n"
        "itself, and a second line tells when the answer was found: by the parts that support it,\n"
        "never by what the model wrote. No prompt has more of the video than --tokens. Prompts:\n"
        "{question}; {media}, {index}, {start}, {end} and {previous} (the note before) in\n"
        "--note-prompt; {notes} and {timed_notes} in --final-prompt.\n\n"
        "  winnow ask film.mp4 \"what happens after the crash?\" -m model.gguf --tokens 4096\n"
        "  winnow ask day.mp4 \"who opens the door?\" -m model.gguf --strategy budget\n"
        "  winnow ask photo.jpg \"what is this?\" -m model.gguf\n"
        "  winnow ask talk.mp4 \"what does he sell?\" -m model.gguf --start 1:30 --end 4:00\n"
        "  winnow ask rows.safetensors \"who is there?\" -m model.gguf\n\n"
        "In place of a video stand rows that `winnow compress` wrote for this model.",
        run_ask},
    {"cache", CMD_CACHE, "ls | rm [NAME] | verify", 1, 2, {"ls, rm or verify"},
        "list, remove or check the rows that are kept on disk",
        "Encoded and compressed rows of files are kept (in $XDG_CACHE_HOME/winnow/rows), so that\n"
        "another question about a file decodes and encodes nothing; what was not used for longest\n"
        "goes first. rm without a name removes all, verify what is damaged.",
        run_cache},
    {"caption", CMD_CAPTION, "VIDEO...", 1, INT_MAX, {"VIDEO"},
        "describe each part of a video, and the whole",
        "A part is a scene, or --segment of a longer one. Each is decoded, described, written and\n"
        "forgotten before the next; --summary tells of the whole from these descriptions.\n\n"
        "--format takes text (default), txt (no times), srt, vtt, jsonl, json, md and html,\n"
        "several at once with commas. One goes to stdout; -o names a file, the beginning of its\n"
        "name or a folder. --sidecar writes beside each video: clip.mp4 gets clip.txt.\n\n"
        "In --prompt {start}, {end}, {seconds}, {index}, {file} and {previous} (the description\n"
        "before) are filled in, in --summary-prompt {captions} and {file}.\n\n"
        "  winnow caption film.mp4 -m model.gguf --format srt,html -o film --summary\n"
        "  winnow caption clips/*.mp4 -m model.gguf --sidecar txt",
        run_caption},
    {"batch", CMD_BATCH, "MANIFEST|DIR -o OUT", 1, 1, {"MANIFEST"},
        "caption, ask or compress many videos, and go on after any stop",
        "Items are a folder's videos or the lines of a file: a path, or an object with \"path\"\n"
        "and perhaps \"id\", \"start\", \"end\", \"question\", \"prompt\" and \"meta\". Paths\n"
        "begin at the manifest's folder. OUT/records.jsonl gets a line an item; what is there\n"
        "is not done again: the same command goes on after a kill, a full disk or a power cut.\n"
        "Items are done beside each other, as many as measuring shows to be fastest; one that\n"
        "takes the process with the models down twice is set aside, with --isolate a decoder that\n"
        "dies is that item's error and nothing else. With --shard 3/16 a process\n"
        "does the fourth sixteenth of the items, into records-00003-of-00016.jsonl; exit status\n"
        "75 tells that another process has them.\n\n"
        "  winnow batch clips/ -o out -m model.gguf --summary\n"
        "  winnow batch list.jsonl -o out -m model.gguf --task ask --question \"what is sold?\"",
        run_batch},
    {"chat", CMD_CHAT, "VIDEO", 1, 1, {"VIDEO"},
        "answer many questions about a video, read once",
        "A line of stdin is a question, its answer a line of stdout. The video is decoded,\n"
        "encoded and read by the language model for the first one; the others cost their own\n"
        "words alone.\n"
        "Each is a question by itself. With --json an object a line.\n\n"
        "  printf 'who is there?\\nwhat is sold?\\n' | winnow chat talk.mp4 -m model.gguf",
        run_chat},
    {"compress", CMD_COMPRESS, "VIDEO -o ROWS.safetensors", 1, 1, {"VIDEO"},
        "write a video's visual tokens to a file",
        "Tensors: embeds [n, hidden]; pos, frame, scene, t_s, row, col, weight, score, each [n];\n"
        "source_csr_ptr, source_csr_idx and source_csr_w tell which uncompressed rows, counted\n"
        "over the whole file, went into each token; frame_* tell of each frame. A row that stands\n"
        "for its whole frame has row -1 and col -1.",
        run_compress},
    {"inspect", CMD_INSPECT, "VIDEO -o DIR", 1, 1, {"VIDEO"},
        "draw which patches were kept, merged or dropped",
        "DIR gets sheet-001.png and so on, and inspect.json with the numbers. In a sheet kept\n"
        "patches are clear, dropped ones dark; patches that were merged share the tint of the\n"
        "token they went into, whose own patch has a frame.",
        run_inspect},
    {"scenes", CMD_SCENES, "VIDEO", 1, 1, {"VIDEO"},
        "list a video's scenes",
        "Needs no model. --filters scene=... sets the detector.\n\n"
        "  winnow scenes film.mp4 --filters scene=detector=adaptive --csv",
        run_scenes},
    {"bench", CMD_BENCH, "compress | accuracy QUIZ.jsonl", 1, 2,
        {"what to measure", "a file of questions"},
        "measure token filters: their time here, or the answers they leave right",
        "compress: rows of a film that is made up, through --filters or every token filter by\n"
        "itself, on the CPU and on --device turn about (cpu: the CPU alone). MB is what has to\n"
        "be read and written once; the limit is the time that takes, or that products of all\n"
        "rows take, and the share beside the kernels is how near they come. \"cpu\" and\n"
        "\"device\" are everything from rows to rows, transfers too.\n\n"
        "accuracy: each line of QUIZ.jsonl is an object with video, question, a list of answers\n"
        "that count as right, and perhaps family and filters (which choose its frames; fps=1).\n"
        "--filters holds chains with ; between, {} where --keep's shares go; without it every\n"
        "filter is asked. -o keeps every answer, and what stands there is not asked again.\n\n"
        "  winnow bench accuracy quiz.jsonl -m model.gguf -o answers.jsonl --plot curves.png\n"
        "  winnow bench accuracy quiz.jsonl -m model.gguf --keep 0.25,0.1 --compare \\\n"
        "      --filters 'vtc_cls=keep={};random=keep={}'",
        run_bench},
    {"filters", CMD_FILTERS, "[NAME]", 0, 1, {"NAME"},
        "list the filters, or the options of one", NULL, run_filters},
    {"convert-mmproj", CMD_CONVERT, "MMPROJ OUT", 2, 2,
        {"the vision encoder", "the file to write"},
        "make a vision encoder's file smaller and faster",
        "Matrices of an f16 or f32 file of the LLaVA family become Q8_0; all else is copied. OUT\n"
        "appears whole or not at all, and both of winnow's encoders read it. With --lora matrices\n"
        "of queries, keys and values become W + B A instead, in the type that they have; the\n"
        "filter is tempme=weights=FILE then, which adds positions of frames from the same file.\n\n"
        "  winnow convert-mmproj mmproj-f16.gguf mmproj-q8_0.gguf\n"
        "  winnow convert-mmproj mmproj-f16.gguf tempme-f16.gguf --lora tempme.safetensors",
        run_convert},
    {"info", CMD_INFO, "[VIDEO]", 0, 1, {"VIDEO"},
        "tell versions, build features and devices, or what a file is made of",
        "Of a file: codec, size, length, and its packets: how many, how far its key frames stand\n"
        "apart (what sampling must decode depends on it) and what indexing them took.", run_info},
    {"version", CMD_VERSION, "", 0, 0, {NULL},
        "tell the version", NULL, run_version},
    {"help", CMD_HELP, "[COMMAND]", 0, 1, {"COMMAND"},
        "show help", NULL, run_help},
    {NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

static const struct command *find_command(struct term *term, const char *word)
{
    static const char *const alias[][2] = {
        {"--help", "help"}, {"-h", "help"}, {"--version", "version"}, {"-V", "version"}};
    const char *names[32];
    const struct command *command;
    const char *near;
    char why[256], shown[80];
    int n = 0;

    for (size_t i = 0; i < sizeof(alias) / sizeof(alias[0]); i++)
        if (!strcmp(word, alias[i][0]))
            word = alias[i][1];
    command = command_find(word);
    if (command)
        return command;
    for (const struct command *c = commands; c->name; c++)
        names[n++] = c->name;
    near = nearest(word, names, n);
    escape(shown, sizeof(shown), word);
    if (near)
        snprintf(why, sizeof(why), "unknown command \"%s\"; did you mean %s?", shown, near);
    else if (*word == '-')
        snprintf(why, sizeof(why), "options stand after the command: winnow ask %s", shown);
    else
        snprintf(why, sizeof(why), "unknown command \"%s\"; see winnow help", shown);
    term_error(term, NULL, why);
    return NULL;
}

/* Fills tool from argv; gives STATUS_OK or, after a message, STATUS_USAGE. */
static int parse(struct tool *tool, int argc, char **argv)
{
    const struct command *c = tool->command;
    char why[512];
    int bad = options_parse(&tool->opt, c->bit, argc, argv, tool->args, &tool->n_args, why,
                            sizeof(why));

    term_init(&tool->term, &tool->opt, NULL);
    if (bad)
        return tool_fail(tool, STATUS_USAGE, "%s; see winnow %s --help", why, c->name);
    if (tool->opt.help)
        return STATUS_OK;
    if (tool->n_args < c->min_args)
        return tool_fail(tool, STATUS_USAGE, "%s is missing: winnow %s %s",
                         c->arg_names[tool->n_args], c->name, c->args);
    if (tool->n_args > c->max_args) {
        char shown[128];
        return tool_fail(tool, STATUS_USAGE, "one argument too many: \"%s\"; winnow %s %s",
                         escape(shown, sizeof(shown), tool->args[c->max_args]), c->name, c->args);
    }
    if (c->bit & CMD_VIDEO) {
        tool->file = tool->args[0];
        tool->term.file = tool->file;
    }
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    struct tool tool = {.command = NULL};
    int status = STATUS_USAGE;

    term_init(&tool.term, &tool.opt, NULL);
    if (argc < 2) {
        term_error(&tool.term, NULL, "no command; see winnow help");
        return STATUS_USAGE;
    }
    tool.command = find_command(&tool.term, argv[1]);
    tool.args = calloc((size_t)argc, sizeof(*tool.args));
    if (!tool.args)
        return STATUS_NOMEM;
    if (!tool.command)
        goto done;
    status = parse(&tool, argc - 2, argv + 2);
    if (status != STATUS_OK)
        goto done;
    tool.signals = signals_start();
    if (tool.opt.help) {
        help_command(tool.command);
        status = stdout_status(&tool);
    } else {
        status = tool.command->run(&tool);
    }
    term_clear(&tool.term);
done:
    free(tool.args);
    return status;
}
