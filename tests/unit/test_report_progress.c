/* report/progress.h: one line on a terminal, nothing anywhere else. */
#include "cmocka_all.h"

#include "measure/clock.h"
#include "report/progress.h"
#include "report/text.h"

#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct terminal {
    int master;
    FILE *stream;
};

static struct terminal open_terminal(unsigned short columns)
{
    struct terminal terminal;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    int slave;
    assert_int_equal(openpty(&terminal.master, &slave, NULL, NULL, &size), 0);
    fcntl(terminal.master, F_SETFL, O_NONBLOCK);
    terminal.stream = fdopen(slave, "w");
    setenv("TERM", "xterm", 1);
    return terminal;
}

static void close_terminal(struct terminal *terminal)
{
    fclose(terminal->stream);
    close(terminal->master);
}

/* What was written to the terminal since the last call. */
static const char *screen(const struct terminal *terminal)
{
    static char text[4096];
    ssize_t length = read(terminal->master, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    return text;
}

static void nothing_is_written_where_there_is_no_terminal(void **state)
{
    char *text = NULL;
    size_t size = 0;
    struct progress_line line;
    FILE *file = tmpfile();
    (void)state;
    progress_start(&line, file, false, true);
    progress_update(&line, 0.5, 10, "working");
    progress_clear(&line);
    assert_int_equal(ftell(file), 0);
    fclose(file);
    FILE *memory = open_memstream(&text, &size);
    progress_start(&line, memory, false, true);
    progress_update(&line, 0.5, 10, "working");
    fclose(memory);
    assert_int_equal(size, 0);
    free(text);
}

static void nothing_is_written_when_quiet_or_on_a_dumb_terminal(void **state)
{
    struct terminal terminal = open_terminal(80);
    struct progress_line line;
    (void)state;
    progress_start(&line, terminal.stream, true, true);
    progress_update(&line, 0.5, 10, "working");
    setenv("TERM", "dumb", 1);
    progress_start(&line, terminal.stream, false, true);
    progress_update(&line, 0.5, 10, "working");
    progress_clear(&line);
    assert_string_equal(screen(&terminal), "");
    close_terminal(&terminal);
}

static void a_line_is_drawn_and_cleared(void **state)
{
    struct terminal terminal = open_terminal(80);
    struct progress_line line;
    (void)state;
    progress_start(&line, terminal.stream, false, false);
    progress_update(&line, 0.5, 72, "round 3");
    assert_string_equal(screen(&terminal), "\r##########.......... 50 %, 1 min 12 s left  round 3\033[K");
    progress_clear(&line);
    assert_string_equal(screen(&terminal), "\r\033[K");
    progress_clear(&line);
    assert_string_equal(screen(&terminal), "");
    close_terminal(&terminal);
}

static void an_unknown_time_left_is_not_made_up(void **state)
{
    struct terminal terminal = open_terminal(80);
    struct progress_line line;
    (void)state;
    progress_start(&line, terminal.stream, false, false);
    progress_update(&line, 0, NAN, "pilot");
    assert_null(strstr(screen(&terminal), "left"));
    close_terminal(&terminal);
}

static void a_line_never_wraps(void **state)
{
    (void)state;
    for (unsigned short columns = 10; columns < 60; columns += 7) {
        struct terminal terminal = open_terminal(columns);
        struct progress_line line;
        char text[4096];
        progress_start(&line, terminal.stream, false, true);
        progress_update(&line, 0.5, 72, "a long text that\nwould wrap \033[2J on a narrow terminal");
        snprintf(text, sizeof text, "%s", screen(&terminal) + 1);
        *strstr(text, "\033[K") = 0;
        assert_true(text_columns(text) < columns);
        assert_null(strpbrk(text, "\n\033"));
        close_terminal(&terminal);
    }
}

static void it_is_drawn_about_ten_times_a_second_at_most(void **state)
{
    struct terminal terminal = open_terminal(80);
    struct progress_line line;
    size_t drawn = 0;
    (void)state;
    double began = clock_seconds();
    progress_start(&line, terminal.stream, false, false);
    for (int i = 0; i < 50; i++) {
        progress_update(&line, 0.5, 10, "x");
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        drawn += strchr(screen(&terminal), '\r') != NULL;
    }
    assert_in_range(drawn, 2, (size_t)(10 * (clock_seconds() - began)) + 2);
    close_terminal(&terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_written_where_there_is_no_terminal),
        cmocka_unit_test(nothing_is_written_when_quiet_or_on_a_dumb_terminal),
        cmocka_unit_test(a_line_is_drawn_and_cleared),
        cmocka_unit_test(an_unknown_time_left_is_not_made_up),
        cmocka_unit_test(a_line_never_wraps),
        cmocka_unit_test(it_is_drawn_about_ten_times_a_second_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
