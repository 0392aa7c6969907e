/* report/picture.h: gnuplot draws, or one sentence says why not; never half a picture. */
#include "cmocka_all.h"

#include "report/gnuplot.h"
#include "report/picture.h"
#include "test_report_synthetic.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int draw(
    const struct synthetic *recipe, const char *name, char **text, size_t *size, struct error *error)
{
    struct result result;
    synthetic_result(recipe, &result);
    FILE *stream = open_memstream(text, size);
    int status = picture_write(&result, name, stream, error);
    fclose(stream);
    result_free(&result);
    return status;
}

static void draw_ok(const struct synthetic *recipe, const char *name, char **text, size_t *size)
{
    struct error error = {0};
    if (draw(recipe, name, text, size, &error))
        fail_msg("%s", error.text);
}

static void only_known_extensions_are_accepted(void **state)
{
    static const struct {
        const char *path;
        int status;
    } paths[] = {{"a.svg", 0}, {"b/c.PNG", 0}, {"a.pdf", -EINVAL}, {"svg", -EINVAL},
        {"dir.svg/file", -EINVAL}, {"-", -EINVAL}, {"", -EINVAL}};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct error error = {0};
        assert_int_equal(picture_check_path(paths[i].path, &error), paths[i].status);
        assert_true(!paths[i].status == !error.text[0]);
    }
}

static void an_svg_is_complete_and_says_what_it_shows(void **state)
{
    static const char *const words[] = {"</svg>", "kvm (shadow, PVM)", "native here is itself a KVM guest",
        "L1d 32K", "L2 512K", "L3 32M", "slowdown over native", "ns per access", "Linux 6.18.5",
        "AMD EPYC 7B13", "2025-11-24", "4 placements", ">64K<", ">1G<"};
    struct synthetic recipe = synthetic_usual();
    char *text = NULL;
    size_t size = 0;
    (void)state;
    draw_ok(&recipe, "x.svg", &text, &size);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(text, words[i]))
            fail_msg("not in the picture: %s", words[i]);
    free(text);
}

static bool draws(const struct synthetic *recipe, const char *words)
{
    char *text = NULL;
    size_t size = 0;
    draw_ok(recipe, "x.svg", &text, &size);
    bool found = strstr(text, words) != NULL;
    free(text);
    return found;
}

/* "L3 4M" is measured, "L3 32M" is what CPUID says; bands of the measured are only there with them. */
static void measured_reaches_are_marked_apart_from_told_sizes(void **state)
{
    struct synthetic recipe = synthetic_usual();
    (void)state;
    assert_true(draws(&recipe, ">CPUID says<") && draws(&recipe, "L3 32M"));
    assert_false(draws(&recipe, ">measured<"));
    recipe.reaches = true;
    assert_true(draws(&recipe, ">measured<") && draws(&recipe, "L3 4M") && draws(&recipe, "? 256M"));
    assert_true(draws(&recipe, ">CPUID says<") && draws(&recipe, "L3 32M"));
    assert_true(draws(&recipe, "measured in native; dotted: sizes that CPUID says"));
}

static void a_png_is_complete(void **state)
{
    struct synthetic recipe = synthetic_usual();
    char *text = NULL;
    size_t size = 0;
    (void)state;
    draw_ok(&recipe, "x.png", &text, &size);
    assert_memory_equal(text, "\x89PNG", 4);
    assert_memory_equal(text + size - 8, "IEND", 4);
    free(text);
}

static void any_shape_of_result_can_be_drawn(void **state)
{
    struct synthetic recipes[6];
    (void)state;
    for (size_t i = 0; i < 6; i++)
        recipes[i] = synthetic_usual();
    recipes[0].monitors[1] = NULL;
    recipes[1].first_bytes = recipes[1].last_bytes;
    recipes[2].order_count = 5;
    recipes[2].monitors[2] = "paravirt";
    recipes[3].blemishes = true;
    recipes[4].noise = 0.5;
    recipes[5].placements = 1;
    for (size_t i = 0; i < 6; i++) {
        char *text = NULL;
        size_t size = 0;
        draw_ok(&recipes[i], "x.svg", &text, &size);
        assert_non_null(strstr(text, "</svg>"));
        free(text);
    }
}

static void nothing_measured_is_an_error_and_no_picture(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    recipe.order_count = 0;
    assert_int_equal(draw(&recipe, "x.svg", &text, &size, &error), -ENODATA);
    assert_int_equal(size, 0);
    free(text);
}

/* Text from the host must not become a command, nor break the picture's XML. */
static void hostile_text_is_only_text(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    synthetic_result(&recipe, &result);
    result.host.cpu.brand =
        fact_known("%s", "A'; system('touch /tmp/vcost-pwned') #`touch /tmp/vcost-pwned`\n<b>&\\");
    unlink("/tmp/vcost-pwned");
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(picture_write(&result, "x.svg", stream, NULL), 0);
    fclose(stream);
    assert_int_equal(access("/tmp/vcost-pwned", F_OK), -1);
    assert_non_null(strstr(text, "&lt;b>&amp;"));
    free(text);
    result_free(&result);
}

/* Runs with a PATH that has only the given gnuplot, a script for /bin/sh; NULL: none. */
static int with_gnuplot(const char *script, char **text, size_t *size, struct error *error)
{
    char folder[] = "/tmp/vcost-path-XXXXXX", path[64], before[4096];
    struct synthetic recipe = synthetic_usual();
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/gnuplot", folder);
    snprintf(before, sizeof before, "%s", getenv("PATH"));
    if (script) {
        FILE *file = fopen(path, "w");
        fprintf(file, "#!/bin/sh\n%s\n", script);
        fclose(file);
        chmod(path, 0755);
    }
    setenv("PATH", folder, 1);
    int status = draw(&recipe, "x.svg", text, size, error);
    int checked = picture_check_tool(NULL);
    setenv("PATH", before, 1);
    assert_true(script || checked == -ENOTSUP);
    unlink(path);
    rmdir(folder);
    return status;
}

static void a_missing_gnuplot_is_told_with_its_package(void **state)
{
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(picture_check_tool(NULL), 0);
    assert_int_equal(with_gnuplot(NULL, &text, &size, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "gnuplot-nox"));
    assert_int_equal(size, 0);
    free(text);
}

static void a_gnuplot_that_fails_gives_its_reason_and_no_picture(void **state)
{
    static const struct {
        const char *script, *reason;
    } cases[] = {
        {"echo half a picture; echo 'line 3: no such terminal' >&2; exit 1", "no such terminal"},
        {"echo half a picture; kill -9 $$", "signal 9"},
        {"exit 0", "drew nothing"},
        {"exit 3", "gave no reason"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        char *text = NULL;
        size_t size = 0;
        assert_int_equal(with_gnuplot(cases[i].script, &text, &size, &error), -EIO);
        print_message("# %s\n", error.text);
        assert_non_null(strstr(error.text, cases[i].reason));
        assert_int_equal(size, 0);
        free(text);
    }
}

/* A gnuplot that never reads its script must not kill this program by SIGPIPE. */
static void a_gnuplot_that_does_not_read_is_no_danger(void **state)
{
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(with_gnuplot("exec <&-; echo picture", &text, &size, &error), 0);
    assert_string_equal(text, "picture\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_known_extensions_are_accepted),
        cmocka_unit_test(an_svg_is_complete_and_says_what_it_shows),
        cmocka_unit_test(measured_reaches_are_marked_apart_from_told_sizes),
        cmocka_unit_test(a_png_is_complete),
        cmocka_unit_test(any_shape_of_result_can_be_drawn),
        cmocka_unit_test(nothing_measured_is_an_error_and_no_picture),
        cmocka_unit_test(hostile_text_is_only_text),
        cmocka_unit_test(a_missing_gnuplot_is_told_with_its_package),
        cmocka_unit_test(a_gnuplot_that_fails_gives_its_reason_and_no_picture),
        cmocka_unit_test(a_gnuplot_that_does_not_read_is_no_danger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
