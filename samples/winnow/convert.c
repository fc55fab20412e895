/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tool.h"

int run_convert(struct tool *tool)
{
    struct wn_converted done = {0};
    struct job job = {0};
    char before[32], after[32];
    int status = job_session(&job, tool, 0);

    if (status != STATUS_OK)
        goto done;
    const char *lora = tool->opt.lora;
    const int err = lora
        ? wn_merge_lora(job.session, tool->args[0], lora, tool->args[1], &done)
        : wn_convert_mmproj(job.session, tool->args[0], tool->args[1], &done);
    if (err < 0) {
        status = job_failed(tool, &job, err);
        goto done;
    }
    if (tool->opt.json) {
        json_t *object = json_result(tool, "ok");
        json_set_path(object, "output", tool->args[1]);
        json_object_set_new(object, "bytes_before", json_integer(done.bytes_before));
        json_object_set_new(object, "bytes", json_integer(done.bytes));
        json_object_set_new(object, "matrices", json_integer(done.matrices));
        status = json_print(tool, object);
    } else if (!tool->opt.quiet) {
        printf("%s: %d matrices %s, %s instead of %s\n", tool->args[1], (int)done.matrices,
               lora ? "with LoRA" : "in q8_0",
               format_bytes(after, sizeof(after), (double)done.bytes),
               format_bytes(before, sizeof(before), (double)done.bytes_before));
        status = stdout_status(tool);
    }
done:
    job_close(&job, tool);
    return status;
}
