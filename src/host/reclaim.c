#include "host/reclaim.h"

#include "base/size.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- swap ---- */

static struct fact look_swap(void)
{
    char meminfo[8192];
    uint64_t kib;
    if (read_text("/proc/meminfo", meminfo, sizeof meminfo))
        return fact_unknown("cannot read /proc/meminfo");
    if (!text_value_number(meminfo, "SwapTotal", ':', &kib) || kib > UINT64_MAX / KIB)
        return fact_unknown("/proc/meminfo does not tell SwapTotal");
    return fact_known("%" PRIu64, kib * KIB);
}

/* A parameter of a module that is Y or N. */
static struct fact look_switch(const char *path)
{
    struct fact line = read_fact(path);
    if (!line.known)
        return line;
    if (!strcmp(line.text, "Y") || !strcmp(line.text, "N"))
        return fact_known(line.text[0] == 'Y' ? "yes" : "no");
    return fact_unknown("%.100s holds neither Y nor N", path);
}

/* ---- ksm ---- */

/* Linux Documentation/admin-guide/mm/ksm.rst. */
static struct fact look_ksm(void)
{
    static const char path[] = "/sys/kernel/mm/ksm/run";
    static const char *const states[] = {"no", "yes", "no: what was shared is taken apart"};
    struct fact line = read_fact(path);
    uint64_t run;
    if (!line.known)
        return line;
    if (read_number(path, &run) || run >= sizeof states / sizeof *states)
        return fact_unknown("%s holds no state", path);
    return fact_known("%s", states[run]);
}

/* ---- DAMON ---- */

/* Only root reads what a kdamond is told to do (Documentation/admin-guide/mm/damon/usage.rst), but each is a
 * thread that everyone sees. Kernel threads are the first processes; where none is to be seen (a container),
 * that no kdamond is says nothing. */
enum { MOST_PROCESSES = 4096 };
struct threads {
    size_t looked_at;
    bool kernel;      /* kthreadd, the parent of all kernel threads, is seen */
    char kdamond[16]; /* its number; "" while none */
};

/* Any process may call itself so; only the kernel's have no command line. */
static bool is_kdamond(const char *process, const char *comm)
{
    static const char prefix[] = "kdamond.";
    char path[READ_TEXT_LINE], line[READ_TEXT_LINE];
    if (strncmp(comm, prefix, strlen(prefix)))
        return false;
    const char *number = comm + strlen(prefix);
    if (!*number || number[strspn(number, "0123456789")])
        return false;
    (void)snprintf(path, sizeof path, "/proc/%s/cmdline", process);
    return read_line(path, line, sizeof line) == -ENODATA;
}

static bool take_process(const char *name, void *context)
{
    struct threads *threads = context;
    char path[READ_TEXT_LINE], line[READ_TEXT_LINE];
    if (name[strspn(name, "0123456789")])
        return true;
    (void)snprintf(path, sizeof path, "/proc/%s/comm", name);
    if (++threads->looked_at > MOST_PROCESSES)
        return false;
    if (read_line(path, line, sizeof line))
        return true;
    threads->kernel |= !strcmp(name, "2") && !strcmp(line, "kthreadd");
    if (!*threads->kdamond && is_kdamond(name, line))
        text_copy(threads->kdamond, sizeof threads->kdamond, strchr(line, '.') + 1);
    return !*threads->kdamond || !threads->kernel;
}

/* "pageout", "stat" …: what root may see. */
static struct fact kdamond_fact(const char *number)
{
    char path[READ_TEXT_LINE];
    (void)snprintf(
        path, sizeof path, "/sys/kernel/mm/damon/admin/kdamonds/%s/contexts/0/schemes/0/action", number);
    struct fact action = read_fact(path);
    if (!action.known)
        return fact_known("yes: kdamond.%s", number);
    return fact_known("yes: kdamond.%s, %.100s", number, action.text);
}

static struct fact look_damon(void)
{
    struct threads threads = {.kernel = false};
    struct fact reclaim = look_switch("/sys/module/damon_reclaim/parameters/enabled");
    (void)read_each_name("/proc", take_process, &threads);
    if (threads.kernel && *threads.kdamond)
        return kdamond_fact(threads.kdamond);
    if (reclaim.known && !strcmp(reclaim.text, "yes"))
        return fact_known("yes: damon_reclaim is enabled");
    if (!threads.kernel)
        return fact_unknown("the kernel's threads are hidden from this process");
    if (threads.looked_at > MOST_PROCESSES)
        return fact_unknown("no kdamond among the first %d processes", MOST_PROCESSES);
    return fact_known("no");
}

void host_look_reclaim(struct host *host)
{
    host->reclaim.swap_bytes = look_swap();
    host->reclaim.zswap = look_switch("/sys/module/zswap/parameters/enabled");
    host->reclaim.ksm = look_ksm();
    host->reclaim.damon = look_damon();
}
