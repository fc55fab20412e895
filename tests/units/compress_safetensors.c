/* SPDX-License-Identifier: MIT */
/* Writing and reading back, and files that must be refused. argv[1]: a folder of such files, each
 * refused save those two which are sound files with nothing useful in them; may be absent. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/safetensors.h"
#include "samples/winnow/safetensors.h"

static char path[] = "/tmp/winnow-test-XXXXXX";
static const char *folder;

static int set_up(void **state)
{
    const int fd = mkstemp(path);

    return fd < 0 || close(fd);
}

static int tear_down(void **state)
{
    return remove(path);
}

/* A file with this header and n bytes of data. */
static void put(const char *header, uint64_t claimed, size_t n)
{
    FILE *f = fopen(path, "wb");

    for (int i = 0; i < 8; i++)
        fputc((int)(claimed >> (8 * i) & 255), f);
    fputs(header, f);
    for (size_t i = 0; i < n; i++)
        fputc((int)i, f);
    assert_int_equal(fclose(f), 0);
}

static void refused(const char *header, size_t n, const char *words)
{
    struct safetensors st;
    char why[300];

    put(header, strlen(header), n);
    if (st_read(&st, path, why, sizeof(why)) == 0)
        fail_msg("accepted: %s", header);
    if (!strstr(why, words))
        fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void bad_headers(void **state)
{
    struct safetensors st;
    char why[300];

    refused("", 0, "not a JSON object");
    refused("[]", 0, "not a JSON object");
    refused("{", 0, "not valid JSON");
    refused("{}", 1, "1 bytes at the end");
    refused("{\"a\":1}", 0, "unknown type");
    refused("{\"a\":{\"dtype\":\"Q4\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "\"Q4\"");
    refused("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "shape");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
            "shape");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "data_offsets");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "outside");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 4, "outside");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "4 bytes");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
            0, "0 bytes");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "hole");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "overlaps");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "duplicate");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "not a string");
    refused("{\"__metadata__\":[]}", 0, "not an object");
    put("{}", 100, 0);
    assert_int_equal(st_read(&st, path, why, sizeof(why)), -1);
    put("{}", UINT64_MAX, 0);
    assert_int_equal(st_read(&st, path, why, sizeof(why)), -1);
    assert_int_equal(st_read(&st, "/", why, sizeof(why)), -1);
    assert_int_equal(st_read(&st, "/no/such/file", why, sizeof(why)), -1);
    assert_non_null(strstr(why, "cannot open"));
}

static void deep_header(void **state)
{
    char header[400] = "{\"a\":";

    memset(header + 5, '[', 300);
    refused(header, 0, "nested more than 64 deep");
}

static const float numbers[6] = {1, -2, 3.5f, 0, 1e30f, -0.0f};
static const char name_with_marks[] = "b \"quoted\" \\ \xc3\xa9";

static struct st_writer *start(const char *second)
{
    const struct st_entry t[3] = {
        {.name = "a", .dtype = "F32", .n_dims = 2, .shape = {2, 3}},
        {.name = second, .dtype = "U8", .n_dims = 1, .shape = {5}},
        {.name = "empty", .dtype = "I64", .n_dims = 2, .shape = {0, 7}},
    };
    const char *const meta[] = {"key", "value", "line", "one\ntwo", NULL};
    struct st_writer *w = NULL;
    char why[300];

    assert_int_equal(st_write_begin(&w, path, t, 3, meta, why, sizeof(why)), 0);
    return w;
}

static void writes_what_it_reads(void **state)
{
    struct st_writer *w = start(name_with_marks);
    struct safetensors st;
    char why[300];

    assert_int_equal(st_write_data(w, numbers, 8), 0); /* in pieces */
    assert_int_equal(st_write_data(w, numbers + 2, 16), 0);
    assert_int_equal(st_write_data(w, "hello", 5), 0);
    assert_int_equal(st_write_end(&w), 0);
    assert_null(w);
    assert_int_equal(st_read(&st, path, why, sizeof(why)), 0);
    assert_int_equal(st.n, 3);
    const struct st_tensor *a = st_find(&st, "a"), *b = st_find(&st, name_with_marks);
    assert_int_equal(a->n, 6);
    assert_int_equal(a->shape[1], 3);
    assert_memory_equal(a->data, numbers, sizeof(numbers));
    assert_memory_equal(b->data, "hello", 5);
    assert_int_equal(st_find(&st, "empty")->n, 0);
    assert_null(st_find(&st, "c"));
    assert_string_equal(st_meta(&st, "line"), "one\ntwo");
    assert_null(st_meta(&st, "none"));
    st_free(&st);
}

static void broken_writes_leave_nothing(void **state)
{
    const struct st_entry bad = {.name = "x", .dtype = "F99", .n_dims = 1, .shape = {1}};
    char part[64], why[300];
    struct st_writer *w = start("b");

    snprintf(part, sizeof(part), "%s.part", path);
    assert_int_equal(st_write_data(w, numbers, sizeof(numbers)), 0);
    assert_int_equal(st_write_end(&w), -1); /* too little */
    assert_int_not_equal(access(part, F_OK), 0);
    w = start("b");
    for (int i = 0; i < 2; i++)
        st_write_data(w, numbers, sizeof(numbers));
    assert_int_equal(st_write_end(&w), -1); /* too much */
    assert_int_not_equal(access(part, F_OK), 0);
    w = start("b");
    st_write_abort(&w);
    assert_null(w);
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_equal(st_write_begin(&w, path, &bad, 1, NULL, why, sizeof(why)), -1);
    assert_non_null(strstr(why, "\"x\""));
    assert_int_equal(st_write_begin(&w, "/no/such/folder/x", NULL, 0, NULL, why, sizeof(why)), -1);
    assert_non_null(strstr(why, "cannot write"));
}

static void nasty_files(void **state)
{
    struct dirent *entry;
    int refusals = 0, sound = 0;
    DIR *dir = folder ? opendir(folder) : NULL;

    if (!dir)
        skip();
    while ((entry = readdir(dir))) {
        const bool fine = !strncmp(entry->d_name, "zero_tokens", 11) ||
                          !strncmp(entry->d_name, "nan_inf", 7);
        struct safetensors st;
        char file[512], why[300];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", folder, entry->d_name);
        if (st_read(&st, file, why, sizeof(why)) == 0) {
            assert_true(fine);
            sound++;
            st_free(&st);
        } else {
            assert_false(fine);
            assert_true(strlen(why) > 10);
            refusals++;
        }
    }
    closedir(dir);
    printf("%d refused, %d sound\n", refusals, sound);
    assert_true(refusals > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(deep_header),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(broken_writes_leave_nothing),
        cmocka_unit_test(nasty_files),
    };

    folder = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
