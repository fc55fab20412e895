/* SPDX-License-Identifier: MIT */
/* Every option of every command, once. */
#include "options.h"

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
        "what decoding an item may take with --isolate (default: 4 GiB); else address space"},
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
