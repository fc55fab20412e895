/* SPDX-License-Identifier: MIT */
#include "tool.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 28
#define HELP_WIDTH 96

/* Words of text from column `at` on, wrapped to hang at `indent`. */
static void print_wrapped(const char *text, int at, int indent)
{
    for (bool first = true; *text; first = false) {
        int len = (int)strcspn(text, " ");

        if (first) {
            at += printf("%.*s", len, text);
        } else if (at + 1 + len > HELP_WIDTH) {
            printf("\n%*s%.*s", indent, "", len, text);
            at = indent + len;
        } else {
            at += printf(" %.*s", len, text);
        }
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_option(const struct option_info *o)
{
    char letter[8] = "    ";
    int n;

    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    n = printf("  %s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
    if (n >= HELP_COLUMN) {
        putchar('\n');
        n = 0;
    }
    printf("%*s", HELP_COLUMN - n, "");
    print_wrapped(o->help, HELP_COLUMN, HELP_COLUMN);
}

void help_command(const struct command *command)
{
    const char *group = "";

    printf("winnow %s%s%s [option...]\n\n", command->name, *command->args ? " " : "",
           command->args);
    print_wrapped(command->brief, 0, 0);
    if (command->text)
        printf("\n%s\n", command->text);
    for (const struct option_info *o = option_table; o->name; o++) {
        if (!(o->commands & command->bit))
            continue;
        if (strcmp(group, o->group)) {
            printf("\n%s\n", o->group);
            group = o->group;
        }
        print_option(o);
    }
    puts("\nEvery option has a twin in the environment: --max-tokens is WINNOW_MAX_TOKENS.\n"
         "What begins with - and is no option goes after --.");
}

void help_overview(void)
{
    puts("winnow turns a video into few visual tokens and asks a language model about it.\n");
    for (const struct command *c = commands; c->name; c++) {
        int n = printf("  winnow %s %s", c->name, c->args);
        if (n >= 44) {
            putchar('\n');
            n = 0;
        }
        printf("%*s%s\n", 44 - n, "", c->brief);
    }
    puts("\nwinnow help COMMAND tells the options of a command.\n\n"
         "--json is always UTF-8: a name that is not has U+FFFD for each broken byte, and beside\n"
         "it its exact bytes in hexadecimal, as in file and file_hex.\n\n"
         "Exit status: 0 done, 1 some inputs failed, 2 usage, 3 input missing, 4 not a video,\n"
         "5 not supported, 6 limit, 7 model, 8 device, 9 memory, 10 output, 11 damaged input\n"
         "(--strict), 70 bug, 75 another process has it, 130 interrupted, 143 terminated.");
}

int run_help(struct tool *tool)
{
    const struct command *command;
    char why[256], shown[80];

    if (tool->n_args == 0) {
        help_overview();
        return stdout_status(tool);
    }
    command = command_find(tool->args[0]);
    if (!command) {
        snprintf(why, sizeof(why), "no command \"%s\"",
                 escape(shown, sizeof(shown), tool->args[0]));
        term_error(&tool->term, NULL, why);
        return STATUS_USAGE;
    }
    help_command(command);
    return stdout_status(tool);
}
