/* A run of a server: started, waited for, used, and told to end. */
#include "experiment/advise_try.h"
#include "measure/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* ---- its words ---- */

const char *const *bench_server_words(const char *command, struct pool *pool)
{
    static const char more_than_words[] = "|&;<>()$`\\\"'*?[]#~=%{}\n", blanks[] = " \t";
    size_t count = 0, room = strlen(command) / 2 + 2;
    const char **words = pool_room(pool, room > 4 ? room : 4, sizeof *words);
    if (!words)
        return NULL;
    if (strpbrk(command, more_than_words)) {
        words[0] = "/bin/sh";
        words[1] = "-c";
        words[2] = pool_format(pool, "exec %s", command);
        return words;
    }
    for (const char *at = command + strspn(command, blanks); *at; at += strspn(at, blanks)) {
        size_t length = strcspn(at, blanks);
        words[count++] = pool_format(pool, "%.*s", (int)length, at);
        at += length;
    }
    return count ? words : NULL;
}

/* ---- beside what uses it ---- */

struct serving {
    const struct program program;
    const struct conditions *conditions;
    struct run_limits limits;
    struct run_end end;
    struct error error;
    int rc;
    atomic_bool ended, finish;
};

static bool is_asked(void *context)
{
    return atomic_load(&((struct serving *)context)->finish);
}

static void *serve(void *context)
{
    struct serving *serving = context;
    serving->rc =
        program_run(&serving->program, serving->conditions, &serving->limits, &serving->end, &serving->error);
    atomic_store(&serving->ended, true);
    return NULL;
}

/* 0 once it can be used; 1: it has ended, or does not become ready. */
static int await_ready(const struct bench *bench, const struct serving *serving,
    char wrong[static WRONG_BYTES], struct error *error)
{
    static const struct timespec nap = {.tv_nsec = 20000000};
    double until = clock_seconds() + bench->run_seconds_most;
    while (clock_seconds() < until && !atomic_load(&serving->ended)) {
        int rc = bench_shell(bench, bench->plan->ready, "--ready", error);
        if (rc != -EIO)
            return rc;
        nanosleep(&nap, NULL);
    }
    if (!atomic_load(&serving->ended))
        snprintf(wrong, WRONG_BYTES, "was not ready after %.3g s", bench->run_seconds_most);
    return 1;
}

static int run_load(const struct bench *bench, const struct run_limits *limits, struct run_end *end,
    char wrong[static WRONG_BYTES], struct error *error)
{
    const char *const words[] = {"/bin/sh", "-c", bench->plan->load, NULL};
    const struct program program = {.words = words};
    const struct conditions conditions = {.cpus = bench->here.cpus};
    char how[WRONG_BYTES] = "";
    int rc = program_run(&program, &conditions, limits, end, error);
    if (rc == 0)
        bench_judge_end(end, bench->plan->status, how);
    if (how[0])
        snprintf(wrong, WRONG_BYTES, "is there, and its load %.200s", how);
    return rc;
}

/* Told to end, it may die of that or end by itself. */
static void judge_server(
    const struct serving *serving, const struct left *left, bool asked, char wrong[static WRONG_BYTES])
{
    const struct run_end *end = &serving->end;
    bool of_signal = WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGTERM;
    bool well = WIFEXITED(end->status) &&
                (WEXITSTATUS(end->status) == 0 || WEXITSTATUS(end->status) == 128 + SIGTERM);
    if (wrong[0] || (asked && !end->timed_out && (of_signal || well)))
        return;
    bench_judge_end(end, -1, wrong);
    size_t length = strlen(wrong);
    if (left->count)
        snprintf(wrong + length, WRONG_BYTES - length,
            " and left %s running: it has to stay in the foreground", left->name);
}

int bench_serve(const struct bench *bench, const struct conditions *conditions, const struct watcher *watcher,
    char *kept, size_t kept_bytes, struct tried *tried, char wrong[static WRONG_BYTES], struct error *error)
{
    struct serving serving = {
        .program = {.words = bench->words, .input = bench->input}, .conditions = conditions};
    const struct stop finish = {.asked = is_asked, .context = &serving};
    const struct run_limits limits = {
        .seconds = bench->run_seconds_most, .stop = bench->stop, .kept = kept, .kept_bytes = kept_bytes};
    struct run_end load = {.seconds = 0};
    pthread_t thread;
    serving.limits = (struct run_limits){
        .seconds = 2 * bench->run_seconds_most, .stop = bench->stop, .watcher = watcher, .finish = &finish};
    left_begin(&tried->left);
    double began = clock_seconds();
    int code = pthread_create(&thread, NULL, serve, &serving);
    if (code) {
        left_end(&tried->left);
        return error_start(error, code, "a thread");
    }
    int rc = await_ready(bench, &serving, wrong, error);
    tried->ready_seconds = clock_seconds() - began;
    if (rc == 0)
        rc = run_load(bench, &limits, &load, wrong, error);
    bool asked = !atomic_load(&serving.ended);
    atomic_store(&serving.finish, true);
    pthread_join(thread, NULL);
    left_end(&tried->left);
    if (serving.rc < 0)
        *error = serving.error;
    if (serving.rc < 0 || rc < 0)
        return serving.rc < 0 ? serving.rc : rc;
    judge_server(&serving, &tried->left, asked, wrong);
    tried->end = serving.end;
    tried->end.seconds = load.seconds;
    tried->end.out_bytes = load.out_bytes;
    tried->end.out_digest = load.out_digest;
    tried->end.kept_length = load.kept_length;
    return 0;
}
