/* SPDX-License-Identifier: MIT */
/* The tool's text: names made fit for a terminal, UTF-8, times. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "samples/winnow/term.h"

static void utf8_is_checked_byte_by_byte(void **state)
{
    static const struct {
        const char *s;
        size_t length; /* of the first character, 0: broken */
    } cases[] = {
        {"a", 1}, {"\xC3\xA9", 2}, {"\xE2\x82\xAC", 3}, {"\xF0\x9F\x8E\x9E", 4},
        {"\x80", 0}, {"\xC3", 0}, {"\xC3(", 0}, {"\xC0\xAF", 0}, {"\xE0\x9F\xBF", 0},
        {"\xED\xA0\x80", 0}, {"\xF4\x90\x80\x80", 0}, {"\xF0\x8F\xBF\xBF", 0}, {"\xFF", 0},
        {"\xF4\x8F\xBF\xBF", 4}, {"\xEF\xBF\xBD", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(utf8_length(cases[i].s, strlen(cases[i].s)), cases[i].length);
        assert_int_equal(utf8_valid(cases[i].s), cases[i].length > 0);
    }
    assert_int_equal(utf8_length("", 0), 0);
    assert_true(utf8_valid(""));
}

static void odd_names_are_escaped(void **state)
{
    char buf[64], small[12];

    (void)state;
    assert_string_equal(escape(buf, sizeof(buf), "a\nb\tc\\d\x1b[0m"), "a\\nb\\tc\\\\d\\x1b[0m");
    assert_string_equal(escape(buf, sizeof(buf), "\xFF\xFE" "e\xCC\x81"), "\\xff\\xfe" "e\xCC\x81");
    assert_string_equal(escape(buf, sizeof(buf), "\xC2\x9B" "31m\x7F"), "\\xc2\\x9b31m\\x7f");
    assert_string_equal(escape(small, sizeof(small), "abcdefghijklmnop"), "abcdefgh...");
    for (size_t size = 4; size < 20; size++) { /* never past the end, never half a character */
        memset(buf, '#', sizeof(buf));
        escape(buf, size, "\xE2\x82\xAC\xE2\x82\xAC\n\xE2\x82\xAC\x01\xE2\x82\xAC");
        assert_true(strlen(buf) < size && utf8_valid(buf));
        assert_int_equal(buf[size], '#');
    }
}

static void answers_lose_their_controls(void **state)
{
    char buf[64];
    const char *text = "red\x1b[31m \xC2\x9B" "x\r\n\ty\x07";
    const size_t n = strip_controls(buf, text, strlen(text));

    (void)state;
    assert_int_equal(n, strlen("red[31m x\n\ty"));
    assert_memory_equal(buf, "red[31m x\n\ty", n);
}

static void times_are_read_as_written(void **state)
{
    static const char *const bad[] = {
        "", ":", "1:", ":1", "1:60", "1:2:3:4", "-1", "+1", " 1", "1 ", "1e3", "0x10",
        "inf", "nan", "1.5:00", "1..5", "1,5", "99999999999", "1:-1",
    };
    double t = -1;

    (void)state;
    assert_int_equal(parse_time("90", &t), 0);
    assert_true(t == 90);
    assert_int_equal(parse_time("1:30", &t), 0);
    assert_true(t == 90);
    assert_int_equal(parse_time("00:01:30.5", &t), 0);
    assert_true(t == 90.5);
    assert_int_equal(parse_time("100:00", &t), 0);
    assert_true(t == 6000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        t = 7;
        if (parse_time(bad[i], &t) != -1)
            fail_msg("\"%s\" was taken for a time", bad[i]);
        assert_true(t == 7);
    }
}

static void figures_are_written_plainly(void **state)
{
    char buf[32];

    (void)state;
    assert_string_equal(format_time(buf, sizeof(buf), 3725.0426), "01:02:05.043");
    assert_string_equal(format_time(buf, sizeof(buf), 59.9999), "00:01:00.000");
    assert_string_equal(format_time(buf, sizeof(buf), -1), "00:00:00.000");
    assert_string_equal(format_bytes(buf, sizeof(buf), 1023), "1023 B");
    assert_string_equal(format_bytes(buf, sizeof(buf), 1536), "1.5 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_checked_byte_by_byte),
        cmocka_unit_test(odd_names_are_escaped),
        cmocka_unit_test(answers_lose_their_controls),
        cmocka_unit_test(times_are_read_as_written),
        cmocka_unit_test(figures_are_written_plainly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
