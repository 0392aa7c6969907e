/* runner/remote.h against agents made of shell commands that play back bytes: how each way to fail is
 * told, and how soon. */
#include "cmocka_all.h"

#include "event/event_kind.h"
#include "measure/clock.h"
#include "runner/remote.h"
#include "runner/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/vcost-test-XXXXXX";
static struct error error;

static const struct message hello = {.type = MESSAGE_HELLO,
    .hello = {
        PROTOCOL_VERSION, true, {"0.1.0", {true, "CPU"}, {true, "6.1"}, true, {true, "kvm"}, 2.5, 3, 4096}}};
static const struct message done = {.type = MESSAGE_DONE};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/says", folder);
    unlink(path);
    return rmdir(folder);
}

/* A command that says `count` messages, after `before`, and then does `after`. The same text stays in use. */
static const char *agent(const char *before, const struct message *messages, size_t count, const char *after)
{
    static char command[256];
    uint8_t bytes[MESSAGE_BYTES_MAX];
    char path[64];
    snprintf(path, sizeof path, "%s/says", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(before, file);
    for (size_t i = 0; i < count; i++)
        fwrite(bytes, 1, message_encode(&messages[i], bytes), file);
    assert_int_equal(fclose(file), 0);
    snprintf(command, sizeof command, "cat %s; %s", path, after);
    return command;
}

/* How long an answer may take: only one that is known not to come is given up soon, whatever else is busy. */
static double answer_seconds(int code)
{
    return code == ETIMEDOUT ? 0.5 : 40;
}

static int open_remote(const char *command, double seconds, struct remote **remote)
{
    const struct remote_config config = {.command = command, .version = "0.1.0", .answer_seconds = seconds};
    memset(&error, 0, sizeof error);
    return remote_open(&config, remote, &error);
}

static void no_child_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void refuses(const char *command, int code, const char *part)
{
    struct remote *remote = NULL;
    double began = clock_seconds();
    assert_int_equal(open_remote(command, answer_seconds(code), &remote), -code);
    print_message("# %s\n", error.text);
    assert_non_null(strstr(error.text, part));
    assert_null(remote);
    assert_true(clock_seconds() - began < 50);
    no_child_is_left();
}

static void a_connection_is_opened_after_any_banner(void **state)
{
    struct remote *remote;
    struct placement placement;
    char ended[] = "/tmp/vcost-test-XXXXXX", afterwards[64];
    struct stat written;
    (void)state;
    close(mkstemp(ended));
    snprintf(afterwards, sizeof afterwards, "cat >/dev/null; echo ended >%s", ended);
    assert_int_equal(
        open_remote(agent("Welcome!\r\n\x89VC\x89\n", &hello, 1, afterwards), answer_seconds(0), &remote), 0);
    const struct runner_config config = remote_runner(remote, &placement);
    assert_int_equal(config.technique, TECHNIQUE_UNKNOWN);
    assert_non_null(strstr(config.label, "(kvm guest)"));
    assert_memory_equal(config.name, "command:", 8);
    assert_int_equal(remote_facts(remote)->cpu, 3);
    remote_close(remote); /* its input ends, and so does it, by itself */
    assert_int_equal(stat(ended, &written), 0);
    assert_true(written.st_size > 0);
    unlink(ended);
    no_child_is_left();
}

static void silence_is_told_in_time(void **state)
{
    (void)state;
    refuses("sleep 100", ETIMEDOUT, "has not answered within 0.5 s");
    refuses("sleep 100 & sleep 100", ETIMEDOUT, "has not answered");
    refuses("trap '' TERM; while :; do sleep 1; done", ETIMEDOUT, "has not answered");
}

static void an_end_is_told_with_its_status_and_last_words(void **state)
{
    (void)state;
    refuses("exit 3", ECONNRESET, "ended with exit status 3 and said nothing on stderr");
    refuses("echo first >&2; echo last >&2; exit 255", ECONNRESET, "exit status 255 and said: first last");
    refuses("no-such-command-here", ECONNRESET, "127 (a command was not found)");
    refuses("kill -9 $$", ECONNRESET, "was killed by signal 9");
    refuses("exec >&-; sleep 100", ECONNRESET, "closed its stdout");
}

static void noise_without_end_is_refused(void **state)
{
    (void)state;
    refuses("yes", EPROTO, "not from an agent");
    refuses("yes >&2", ETIMEDOUT, "has not answered");
}

static void a_terminal_in_between_is_told(void **state)
{
    (void)state;
    refuses("printf '\\211VCOST\\r\\r\\n'; sleep 100", EPROTO, "stty raw");
}

static const struct message other = {
    .type = MESSAGE_HELLO, .hello = {.protocol = 7, .facts = {.version = "9.9.9"}}};

static void another_version_is_refused_by_both_names(void **state)
{
    (void)state;
    refuses(agent("", &other, 1, "sleep 100"), EPROTO, "vcost 9.9.9, which speaks version 7");
    refuses(agent("", &other, 1, "sleep 100"), EPROTO, "vcost 0.1.0, which speaks version 2");
}

/* What an agent of vcost 0.1.0 says, who can measure and who cannot. */
static void an_agent_of_version_1_is_refused_by_its_name(void **state)
{
    char command[512];
    const char *root = getenv("VCOST_SOURCE_ROOT");
    (void)state;
    snprintf(command, sizeof command, "cat %s/tests/fixtures/protocol-1/hello; sleep 100", root);
    refuses(command, EPROTO, "the agent is of vcost 0.1.0, which speaks version 1 of the protocol");
    refuses(command, EPROTO, "install the same vcost in both places");
    snprintf(command, sizeof command, "cat %s/tests/fixtures/protocol-1/failed; exit 77", root);
    refuses(command, EPROTO, "speaks version 1 of the protocol");
    refuses(command, EPROTO, "install the same vcost in both places");
}

static void what_the_agent_cannot_do_is_told_in_its_words(void **state)
{
    const struct message says[] = {
        {.type = MESSAGE_HELLO, .hello = {PROTOCOL_VERSION, false, {.version = "0.1.0"}}},
        {.type = MESSAGE_FAILED, .failure = {ENOTSUP, "no clock here"}},
    };
    (void)state;
    refuses(agent("", says, 2, "exit 77"), ENOTSUP, "no clock here");
    refuses(agent("", says, 1, "exit 77"), ECONNRESET, "exit status 77");
    refuses(agent("", &says[1], 1, "sleep 100"), EPROTO, "FAILED came where HELLO was due");
    refuses(agent("", &done, 1, "sleep 100"), EPROTO, "DONE came where HELLO was due");
}

/* A runner of a remote, opened and with an event prepared. */
struct there {
    struct remote *remote;
    struct placement placement;
    struct runner *runner;
};

static const struct message prepared = {.type = MESSAGE_PREPARED, .note = "emulated"};
static const struct effort once = {.steps = 1, .batches = 1};

/* Some of these agents never answer that a runner is closed, which is waited for as long. */
static void make_ready(struct there *there, const char *command)
{
    assert_int_equal(open_remote(command, 2, &there->remote), 0);
    placement_open(
        &there->placement, &(struct placement_config){.memory = {.page_bytes = 4096}, .elsewhere = true});
    const struct runner_config config = remote_runner(there->remote, &there->placement);
    const struct workload workload = event_workload(event_find("cpuid"), 0);
    assert_int_equal(runner_open(&config, &there->runner, &error), 0);
    assert_int_equal(runner_prepare(there->runner, &workload, 1, &error), 0);
    assert_string_equal(there->runner->note, "emulated");
}

static void end(struct there *there)
{
    runner_close(there->runner);
    placement_close(&there->placement);
    remote_close(there->remote);
    no_child_is_left();
}

/* The sentence about what goes wrong with a sample, and whether the connection bears more. */
static void sample_fails(const struct message *answer, const char *after, int code, const char *part)
{
    const struct message says[] = {hello, done, prepared, *answer};
    struct sample sample = {.operations = 1234};
    struct there there;
    make_ready(&there, agent("", says, answer->type ? 4 : 3, after));
    assert_int_equal(runner_sample(there.runner, &once, &sample, &error), -code);
    print_message("# %s\n", error.text);
    assert_non_null(strstr(error.text, part));
    assert_true(sample.operations == 1234); /* untouched */
    assert_int_equal(remote_is_gone(there.remote), answer->type != MESSAGE_FAILED);
    end(&there);
}

static void failures_in_mid_run_are_told(void **state)
{
    const struct message none = {.type = 0};
    (void)state;
    sample_fails(&none, "sleep 100", ETIMEDOUT, "has not answered");
    sample_fails(&none, "sleep 0.1; echo Connection reset >&2; exit 255", ECONNRESET, "Connection reset");
    sample_fails(&done, "sleep 100", EPROTO, "DONE came where SAMPLED was due");
    sample_fails(&none, "echo nonsense nonsense; sleep 100", EPROTO, "no message of vcost");
}

/* Their Ctrl-C is not ours, nor are their broken connections. */
static void a_failure_over_there_does_not_end_the_connection(void **state)
{
    struct message failed = {.type = MESSAGE_FAILED, .failure = {ENOTSUP, "why"}};
    (void)state;
    sample_fails(&failed, "cat >/dev/null", ENOTSUP, "why");
    for (int codes[] = {EINTR, ECONNRESET, ETIMEDOUT, EPROTO}, *each = codes; each < codes + 4; each++) {
        failed.failure.code = *each;
        sample_fails(&failed, "cat >/dev/null", EIO, "why");
    }
}

/* An impossible sample, which message_encode() does not make: of a possible one. */
static void a_lie_is_refused(void **state)
{
    const struct message says[] = {hello, done, prepared,
        {.type = MESSAGE_SAMPLED,
            .sample = {.metrics = {{"time", "ns", 4}}, .metric_count = 1, .operations = 1}}};
    struct sample sample;
    struct there there;
    char command[128];
    (void)state;
    agent("", says, 4, "");
    snprintf(command, sizeof command, "LC_ALL=C sed 's/\"value\":4/\"value\":0/' %s/says; sleep 100", folder);
    make_ready(&there, command);
    assert_int_equal(runner_sample(there.runner, &once, &sample, &error), -EPROTO);
    print_message("# %s\n", error.text);
    assert_non_null(strstr(error.text, "SAMPLED is no message of vcost: sample: the sample gives no figure"));
    assert_int_equal(runner_sample(there.runner, &once, &sample, &error), -EPROTO); /* and not asked again */
    end(&there);
}

static void runners_side_by_side_are_told_apart(void **state)
{
    const struct message failed = {.type = MESSAGE_FAILED, .failure = {ENOMEM, "no room"}};
    const struct message says[] = {hello, done, prepared, done, failed, done, done, done};
    struct runner *second, *third = NULL;
    struct there there;
    char command[256], heard[4096] = "";
    (void)state;
    snprintf(command, sizeof command, "%s", agent("", says, 8, "timeout 20 cat >"));
    snprintf(command + strlen(command), sizeof command - strlen(command), "%s/heard", folder);
    make_ready(&there, command);
    const struct runner_config config = there.runner->config;
    assert_int_equal(runner_open(&config, &second, &error), 0);
    assert_int_equal(runner_open(&config, &third, &error), -ENOMEM);
    assert_null(third);
    runner_close(second);
    assert_int_equal(runner_open(&config, &second, &error), 0); /* by the number that is free */
    runner_close(second);
    end(&there);
    snprintf(command, sizeof command, "%s/heard", folder);
    FILE *file = fopen(command, "re");
    assert_non_null(file);
    size_t length = fread(heard, 1, sizeof heard - 1, file);
    fclose(file);
    unlink(command);
    for (size_t i = 0; i < length; i++)
        heard[i] = heard[i] ? heard[i] : ' ';
    const char *at = heard, numbers[] = "00121110";
    for (size_t i = 0; numbers[i]; i++) {
        at = strstr(at, "\"runner\":");
        assert_non_null(at);
        at += strlen("\"runner\":");
        assert_int_equal(*at, numbers[i]);
    }
}

static bool always(void *unused)
{
    (void)unused;
    return true;
}

static void a_stop_is_heard_while_waiting(void **state)
{
    const struct stop stop = {.asked = always};
    const struct remote_config config = {.command = "sleep 100", .stop = &stop};
    struct remote *remote;
    (void)state;
    assert_int_equal(remote_open(&config, &remote, &error), -EINTR);
    no_child_is_left();
}

static void names_are_short_printable_and_different(void **state)
{
    char a[REMOTE_NAME_BYTES], b[REMOTE_NAME_BYTES];
    (void)state;
    remote_name("ssh guest vcost agent", a);
    assert_string_equal(a, "command:ssh guest vcost agent");
    remote_name("ssh guest /usr/bin/vcost agent", a);
    remote_name("ssh guest _usr_bin_vcost agent", b);
    assert_string_not_equal(a, b);
    assert_null(strchr(a, '/'));
    remote_name("ssh a-guest-with-a-long-name.example.org vcost agent --cpu 1", a);
    remote_name("ssh a-guest-with-a-long-name.example.org vcost agent --cpu 2", b);
    assert_string_not_equal(a, b);
    remote_name("\n\033\xff", a);
    assert_memory_equal(a, "command:___~", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_opened_after_any_banner),
        cmocka_unit_test(silence_is_told_in_time),
        cmocka_unit_test(an_end_is_told_with_its_status_and_last_words),
        cmocka_unit_test(noise_without_end_is_refused),
        cmocka_unit_test(a_terminal_in_between_is_told),
        cmocka_unit_test(another_version_is_refused_by_both_names),
        cmocka_unit_test(an_agent_of_version_1_is_refused_by_its_name),
        cmocka_unit_test(what_the_agent_cannot_do_is_told_in_its_words),
        cmocka_unit_test(failures_in_mid_run_are_told),
        cmocka_unit_test(a_failure_over_there_does_not_end_the_connection),
        cmocka_unit_test(a_lie_is_refused),
        cmocka_unit_test(runners_side_by_side_are_told_apart),
        cmocka_unit_test(a_stop_is_heard_while_waiting),
        cmocka_unit_test(names_are_short_printable_and_different),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
