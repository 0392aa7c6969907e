/* report/output.h: an output file is complete or not there. */
#include "cmocka_all.h"

#include "base/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/vcost-output-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(in_folder(name), mode), 0);
}

static void assert_file(const char *name, const char *text)
{
    char read[256] = "";
    FILE *file = fopen(in_folder(name), "r");
    assert_non_null(file);
    read[fread(read, 1, sizeof read - 1, file)] = 0;
    fclose(file);
    assert_string_equal(read, text);
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(in_folder(name), &status), 0);
    return status.st_mode & 07777;
}

static int entries(void)
{
    int count = 0;
    DIR *directory = opendir(folder);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static struct output *open_ok(const char *path)
{
    struct output *output = NULL;
    struct error error = {0};
    if (output_open(path, &output, &error))
        fail_msg("%s", error.text);
    return output;
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    umask(022);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; (entry = readdir(directory));)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    return rmdir(folder);
}

static void a_new_file_is_there_only_after_commit_with_usual_permissions(void **state)
{
    struct output *output = open_ok(in_folder("new"));
    (void)state;
    fputs("data", output_stream(output));
    assert_int_equal(access(in_folder("new"), F_OK), -1);
    assert_int_equal(output_commit(output, NULL), 0);
    assert_file("new", "data");
    assert_int_equal(mode_of("new"), 0644);
    assert_int_equal(entries(), 1);
}

static void an_existing_file_keeps_its_mode_and_its_content_until_commit(void **state)
{
    (void)state;
    put_file("old", "old", 0640);
    struct output *output = open_ok(in_folder("old"));
    fputs("new", output_stream(output));
    fflush(output_stream(output));
    assert_file("old", "old");
    assert_int_equal(output_commit(output, NULL), 0);
    assert_file("old", "new");
    assert_int_equal(mode_of("old"), 0640);
}

static void discarding_leaves_no_trace(void **state)
{
    (void)state;
    put_file("old", "old", 0644);
    struct output *output = open_ok(in_folder("old"));
    fputs("new", output_stream(output));
    output_discard(output);
    output_discard(NULL);
    assert_file("old", "old");
    assert_int_equal(entries(), 1);
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
    struct rlimit before, small = {10, RLIM_INFINITY};
    struct error error = {0};
    (void)state;
    put_file("old", "old", 0644);
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    struct output *output = open_ok(in_folder("old"));
    setrlimit(RLIMIT_FSIZE, &small);
    fputs("more than ten bytes", output_stream(output));
    int status = output_commit(output, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, -EFBIG);
    assert_non_null(strstr(error.text, "left as it was"));
    assert_file("old", "old");
    assert_int_equal(entries(), 1);
}

static void a_full_device_is_an_error_at_commit(void **state)
{
    struct error error = {0};
    struct output *output = open_ok("/dev/full");
    (void)state;
    fputs("data", output_stream(output));
    assert_int_equal(output_commit(output, &error), -ENOSPC);
    assert_non_null(strstr(error.text, "/dev/full"));
    output = open_ok("/dev/full");
    static const char much[1 << 20]; /* than is held back: nothing is left that could fail at the end */
    fwrite(much, 1, sizeof much, output_stream(output));
    assert_int_equal(output_commit(output, &error), -ENOSPC);
}

static void what_cannot_be_written_fails_when_it_is_opened(void **state)
{
    static const struct {
        const char *path;
        int code;
    } paths[] = {{"", ENOENT}, {"/nowhere/at/all", ENOENT}, {"/dev/null/file", ENOTDIR}, {"/tmp", EISDIR},
        {"/tmp/", EISDIR}, {"/tmp/vcost-no-such-folder/", EISDIR}, {"/dev/fd/987", EBADF},
        {"/proc/self/fd/987", EBADF}};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct output *output = NULL;
        struct error error = {0};
        int status = output_open(paths[i].path, &output, &error);
        print_message("# %s: %s\n", paths[i].path, error.text);
        assert_int_equal(status, -paths[i].code);
        assert_true(error.text[0] != 0);
        assert_null(output);
    }
}

/* As an ordinary user: permissions do not bind root. */
static int open_as_nobody(const char *path)
{
    struct output *output = NULL;
    struct error error = {0};
    uid_t user = geteuid();
    if (user == 0)
        assert_int_equal(seteuid(65534), 0);
    int status = output_open(path, &output, &error);
    if (user == 0)
        assert_int_equal(seteuid(user), 0);
    output_discard(output);
    return status;
}

static void an_unwritable_folder_fails_when_it_is_opened(void **state)
{
    (void)state;
    chmod(folder, 0555);
    assert_int_equal(open_as_nobody(in_folder("new")), -EACCES);
    chmod(folder, 0755);
    assert_int_equal(entries(), 0);
}

static void a_write_protected_file_is_not_replaced(void **state)
{
    (void)state;
    put_file("old", "old", 0444);
    chmod(folder, 0777);
    assert_int_equal(open_as_nobody(in_folder("old")), -EACCES);
    assert_file("old", "old");
}

static void a_link_is_followed_also_to_a_file_that_is_not_there_yet(void **state)
{
    char target[16];
    (void)state;
    put_file("old", "old", 0600);
    assert_int_equal(symlink("old", in_folder("link")), 0);
    assert_int_equal(symlink("fresh", in_folder("dangling")), 0);
    struct output *output = open_ok(in_folder("link"));
    fputs("new", output_stream(output));
    assert_int_equal(output_commit(output, NULL), 0);
    assert_true(readlink(in_folder("link"), target, sizeof target) > 0);
    assert_file("old", "new");
    assert_int_equal(mode_of("old"), 0600);
    output = open_ok(in_folder("dangling"));
    fputs("fresh", output_stream(output));
    assert_int_equal(output_commit(output, NULL), 0);
    assert_file("fresh", "fresh");
    assert_int_equal(entries(), 4);
}

static void a_link_to_itself_is_an_error(void **state)
{
    struct output *output;
    struct error error = {0};
    (void)state;
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    assert_int_equal(output_open(in_folder("loop"), &output, &error), -ELOOP);
}

static void a_pipe_is_written_directly(void **state)
{
    int ends[2];
    char path[32], read_back[8] = "";
    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    struct output *output = open_ok(path);
    fputs("data", output_stream(output));
    assert_int_equal(output_commit(output, NULL), 0);
    assert_int_equal(read(ends[0], read_back, sizeof read_back - 1), 4);
    assert_string_equal(read_back, "data");
    close(ends[0]);
    close(ends[1]);
}

/* A descriptor of a regular file is appended to where it stands, not replaced: `vcost … --json /dev/stdout >>
 * log`. */
static void a_descriptor_of_a_file_keeps_what_is_before_it(void **state)
{
    char path[32];
    (void)state;
    put_file("log", "before ", 0644);
    int log = open(in_folder("log"), O_WRONLY | O_APPEND);
    snprintf(path, sizeof path, "/proc/self/fd/%d", log);
    struct output *output = open_ok(path);
    fputs("after", output_stream(output));
    assert_int_equal(output_commit(output, NULL), 0);
    close(log);
    assert_file("log", "before after");
    assert_int_equal(entries(), 1);
}

static void dash_is_standard_output_and_stays_open(void **state)
{
    struct output *output = open_ok("-");
    (void)state;
    assert_ptr_equal(output_stream(output), stdout);
    assert_int_equal(output_commit(output, NULL), 0);
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

/* `vcost … --json x --csv ./x` would lose one of the two. */
static void one_file_under_two_names_is_seen(void **state)
{
    char before[PATH_MAX];
    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    put_file("there", "", 0644);
    assert_int_equal(symlink("there", "link"), 0);
    assert_int_equal(symlink("./new", "dangling"), 0);
    static const struct {
        const char *one, *other;
        bool same;
    } pairs[] = {{"there", "there", true}, {"there", "./there", true}, {"new", "./new", true},
        {"there", "link", true}, {"link", "dangling", false}, {"new", "dangling", true},
        {"there", "new", false}, {"there", "nowhere/there", false}, {"/dev/stdout", "-", true},
        {"-", "there", false}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        print_message("# %s %s\n", pairs[i].one, pairs[i].other);
        assert_int_equal(output_is_same(pairs[i].one, pairs[i].other), pairs[i].same);
    }
    assert_int_equal(chdir(before), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_new_file_is_there_only_after_commit_with_usual_permissions),
        IN_FOLDER(an_existing_file_keeps_its_mode_and_its_content_until_commit),
        IN_FOLDER(discarding_leaves_no_trace),
        IN_FOLDER(a_write_that_fails_leaves_the_old_file),
        cmocka_unit_test(a_full_device_is_an_error_at_commit),
        cmocka_unit_test(what_cannot_be_written_fails_when_it_is_opened),
        IN_FOLDER(an_unwritable_folder_fails_when_it_is_opened),
        IN_FOLDER(a_write_protected_file_is_not_replaced),
        IN_FOLDER(a_link_is_followed_also_to_a_file_that_is_not_there_yet),
        IN_FOLDER(a_link_to_itself_is_an_error),
        cmocka_unit_test(a_pipe_is_written_directly),
        IN_FOLDER(a_descriptor_of_a_file_keeps_what_is_before_it),
        IN_FOLDER(one_file_under_two_names_is_seen),
        cmocka_unit_test(dash_is_standard_output_and_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
