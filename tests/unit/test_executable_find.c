/* Which file a program is by its name: the one that execvp() executes. */
#include "cmocka_all.h"

#include "program/executable_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Folders with something called prog: that may be executed, that may not be, and a folder. */
static void make_file(const char *path, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("#!/bin/sh\necho \"$0\"\n", file) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int make_folders(void **state)
{
    static char place[] = "/tmp/test-executable-find-XXXXXX";
    static const char *const folders[] = {"runs", "not", "folder", "folder/prog"};
    *state = mkdtemp(place);
    assert_non_null(*state);
    assert_int_equal(chdir(place), 0);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(mkdir(folders[i], 0755), 0);
    make_file("runs/prog", 0755);
    make_file("not/prog", 0644);
    make_file("here", 0755);
    return 0;
}

static int remove_folders(void **state)
{
    static const char *const all[] = {
        "runs/prog", "not/prog", "here", "folder/prog", "runs", "not", "folder"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(remove(all[i]), 0);
    assert_int_equal(chdir("/"), 0);
    return rmdir(*state);
}

/* What it says it was called as; or why it cannot be executed, as a negative errno. */
static int execute(const char *word, char said[static PATH_MAX])
{
    int ends[2], code;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp(word, word, NULL);
        _exit(errno);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], said, PATH_MAX - 1);
    close(ends[0]);
    assert_int_equal(waitpid(child, &code, 0), child);
    said[got > 0 ? got - 1 : 0] = '\0';
    return -WEXITSTATUS(code);
}

static void check(const char *folders, const char *word)
{
    char found[PATH_MAX] = "", executed[PATH_MAX];
    assert_int_equal(folders ? setenv("PATH", folders, 1) : unsetenv("PATH"), 0);
    int rc = executable_find(word, found);
    if (rc != execute(word, executed) || (rc == 0 && strcmp(found, executed) != 0))
        fail_msg("PATH=%.100s %.100s: %d %.100s, but execvp() %.100s", folders ? folders : "(none)", word, rc,
            found, executed);
}

static void what_execvp_executes_is_found(void **state)
{
    static const char *const folders[] = {"runs", "not:runs", "folder:runs", "runs/prog:runs", "none:runs",
        "not:folder:none:runs", "not", "folder", "not:none", "none:folder", "none", "", ":", "not:", ":not",
        NULL};
    static const char *const words[] = {"prog", "here", "nothing", "", "runs/prog", "not/prog", "folder/prog",
        "none/prog", "runs/prog/", "./here", "runs/prog/prog"};
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            check(folders[i], words[k]);
}

static void names_that_no_path_holds_are_passed_over(void **state)
{
    static char folders[2 * PATH_MAX], word[2 * PATH_MAX];
    (void)state;
    memset(word, 'a', sizeof word - 1);
    word[PATH_MAX] = '/';
    check("runs", word);
    memset(folders, 'a', PATH_MAX);
    strcpy(folders + PATH_MAX, ":runs");
    check(folders, "prog");
    strcpy(folders + PATH_MAX, ":not");
    check(folders, "prog");
}

/* Not the real user, whom access(2) asks about. */
static void who_executes_is_the_effective_user(void **state)
{
    enum { NOBODY = 65534 };
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(chmod("not/prog", 0744), 0);
    assert_int_equal(setresuid(NOBODY, 0, 0), 0);
    check("not:runs", "prog");
    assert_int_equal(setresuid(0, 0, 0), 0);
    assert_int_equal(chmod("not/prog", 0644), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_execvp_executes_is_found),
        cmocka_unit_test(names_that_no_path_holds_are_passed_over),
        cmocka_unit_test(who_executes_is_the_effective_user),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
