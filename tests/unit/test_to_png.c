/* report/to_png.c: rsvg-convert draws, or one sentence says why not; never half a picture. */
#include "cmocka_all.h"

#include "demo_document.h"
#include "report/formats.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int draw(char **text, size_t *size, struct error *error)
{
    struct document document = {0};
    demo_document(&document, "a word");
    FILE *stream = open_memstream(text, size);
    int status =
        document_write(&document, format_named("png"), stream, &(struct report_style){.utf8 = true}, error);
    fclose(stream);
    document_free(&document);
    return status;
}

static void a_png_is_complete(void **state)
{
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(to_png_check(NULL), 0);
    if (draw(&text, &size, &error))
        fail_msg("%s", error.text);
    assert_memory_equal(text, "\x89PNG", 4);
    assert_memory_equal(text + size - 8, "IEND", 4);
    free(text);
}

/* Runs with a PATH that has only the given rsvg-convert, a script for /bin/sh; NULL: none. */
static int draw_with(const char *script, char **text, size_t *size, struct error *error)
{
    char folder[] = "/tmp/vcost-path-XXXXXX", path[64], before[4096];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/rsvg-convert", folder);
    snprintf(before, sizeof before, "%s", getenv("PATH"));
    if (script) {
        FILE *file = fopen(path, "w");
        fprintf(file, "#!/bin/sh\n%s\n", script);
        fclose(file);
        chmod(path, 0755);
    }
    setenv("PATH", folder, 1);
    int status = draw(text, size, error);
    int checked = to_png_check(NULL);
    setenv("PATH", before, 1);
    assert_true(script || checked == -ENOTSUP);
    unlink(path);
    rmdir(folder);
    return status;
}

static void a_missing_program_is_told_with_its_package(void **state)
{
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(draw_with(NULL, &text, &size, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "librsvg2-bin"));
    assert_int_equal(size, 0);
    free(text);
}

static void a_program_that_fails_gives_its_reason_and_no_picture(void **state)
{
    static const struct {
        const char *script, *reason;
    } cases[] = {
        {"echo half a picture; echo 'cannot parse' >&2; exit 1", "cannot parse"},
        {"echo half a picture; kill -9 $$", "signal 9"},
        {"exit 0", "drew nothing"},
        {"exit 3", "gave no reason"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        char *text = NULL;
        size_t size = 0;
        assert_int_equal(draw_with(cases[i].script, &text, &size, &error), -EIO);
        print_message("# %s\n", error.text);
        assert_non_null(strstr(error.text, cases[i].reason));
        assert_int_equal(size, 0);
        free(text);
    }
}

/* One that never reads what it is given must not kill this program by SIGPIPE. */
static void a_program_that_does_not_read_is_no_danger(void **state)
{
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(draw_with("exec <&-; echo picture", &text, &size, &error), 0);
    assert_string_equal(text, "picture\n");
    free(text);
}

static void a_document_without_chart_is_an_error_and_no_picture(void **state)
{
    static const char *const names[] = {"svg", "png"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct document document = {0};
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        document_say(&document, BLOCK_SENTENCE, "nothing");
        assert_int_equal(
            document_write(&document, format_named(names[i]), stream, &(struct report_style){0}, NULL),
            -ENODATA);
        fclose(stream);
        assert_int_equal(size, 0);
        free(text);
        document_free(&document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_is_complete),
        cmocka_unit_test(a_missing_program_is_told_with_its_package),
        cmocka_unit_test(a_program_that_fails_gives_its_reason_and_no_picture),
        cmocka_unit_test(a_program_that_does_not_read_is_no_danger),
        cmocka_unit_test(a_document_without_chart_is_an_error_and_no_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
