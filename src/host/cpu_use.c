#include "host/cpu_use.h"

#include "host/read_text.h"
#include "host/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where more run, those that are listed first are looked at. */
enum { PROCESSES_MAX = 4096 };

/* CPUs are as idle as each other up to this: the kernel counts in ticks of 10 ms. */
static const double alike = 0.1;

/* Clock ticks since the machine started. */
struct ticks {
    bool known;
    uint64_t all, idle, steal;
};

struct process {
    uint64_t pid, ticks;
    uint64_t cpu; /* that its first thread was on last */
    char name[24];
};

struct moment {
    struct ticks cpus[CPU_USE_MAX];
    struct process processes[PROCESSES_MAX];
    size_t process_count;
};

struct cpu_look {
    struct moment before, after;
};

/* ---- one moment ---- */

/* "cpuN user nice system idle iowait irq softirq steal …" (proc(5)); what guests took is in user and nice. */
static bool take_cpu(char *line, void *context)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, FIGURES };
    struct moment *moment = context;
    uint64_t cpu, figures[FIGURES] = {0};
    const char *at = strncmp(line, "cpu", 3) != 0 || line[3] == ' ' ? NULL : text_number(line + 3, &cpu);
    size_t count = 0;
    while (at && count < FIGURES && (at = text_number(at, &figures[count])))
        count++;
    if (count < IOWAIT || cpu >= CPU_USE_MAX)
        return !strncmp(line, "cpu", 3); /* they come first */
    struct ticks *ticks = &moment->cpus[cpu];
    for (size_t i = 0; i < FIGURES; i++)
        ticks->all += figures[i];
    ticks->idle = figures[IDLE] + figures[IOWAIT];
    ticks->steal = figures[STEAL];
    ticks->known = true;
    return true;
}

/* The number at place `number` of a text of words, the first being 0; 0 if it is none. */
static uint64_t word(const char *text, unsigned number)
{
    uint64_t value = 0;
    for (; number; number--) {
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    return text_number(text, &value) ? value : 0;
}

/* "pid (name) state ppid …" (proc(5)): a name may hold blanks and brackets. */
static bool take_process(const char *name, void *context)
{
    enum { STATE = 3, UTIME = 14, STIME = 15, PROCESSOR = 39 }; /* as proc(5) counts */
    struct moment *moment = context;
    struct process *process = &moment->processes[moment->process_count];
    char path[64], text[1024];
    uint64_t pid;
    const char *end = text_number(name, &pid);
    if (!end || *end)
        return true;
    (void)snprintf(path, sizeof path, "/proc/%s/stat", name);
    if (read_text(path, text, sizeof text))
        return true;
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close[1] != ' ')
        return true;
    *close = '\0';
    *process = (struct process){.pid = pid,
        .ticks = word(close + 2, UTIME - STATE) + word(close + 2, STIME - STATE),
        .cpu = word(close + 2, PROCESSOR - STATE)};
    text_copy(process->name, sizeof process->name, open + 1);
    text_trim(process->name);
    return ++moment->process_count < PROCESSES_MAX;
}

static void look_at_cpus(struct moment *moment)
{
    (void)read_each_line("/proc/stat", take_cpu, moment);
}

static void look_at_processes(struct moment *moment)
{
    (void)read_each_name("/proc", take_process, moment);
}

/* What looking at processes takes lies outside of what is looked at. */
struct cpu_look *cpu_look_begin(void)
{
    struct cpu_look *look = calloc(1, sizeof *look);
    if (look) {
        look_at_processes(&look->before);
        look_at_cpus(&look->before);
    }
    return look;
}

void cpu_look_end(struct cpu_look *look)
{
    look_at_cpus(&look->after);
    look_at_processes(&look->after);
}

void cpu_look_free(struct cpu_look *look)
{
    free(look);
}

/* ---- what happened in between ---- */

static uint64_t between(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0; /* what counts idle time may go backwards */
}

static struct ticks ticks_of(const struct cpu_look *look, size_t cpu)
{
    const struct ticks *before = &look->before.cpus[cpu], *after = &look->after.cpus[cpu];
    return (struct ticks){.known = before->known && after->known && after->all > before->all,
        .all = between(before->all, after->all),
        .idle = between(before->idle, after->idle),
        .steal = between(before->steal, after->steal)};
}

static struct cpu_use use_of(struct ticks ticks)
{
    double all = (double)ticks.all, idle = fmin((double)ticks.idle, all);
    double steal = fmin((double)ticks.steal, all - idle);
    if (!ticks.known)
        return (struct cpu_use){.known = false};
    return (struct cpu_use){.known = true, .busy = (all - idle - steal) / all, .steal = steal / all};
}

int cpu_look_idlest(const struct cpu_look *look, const cpu_set_t *allowed, size_t set_bytes)
{
    double least = INFINITY;
    int idlest = -1;
    for (int pass = 0; pass < 2; pass++)
        for (size_t cpu = 0; cpu < CPU_USE_MAX && cpu < set_bytes * 8; cpu++) {
            struct cpu_use use = use_of(ticks_of(look, cpu));
            if (!CPU_ISSET_S(cpu, set_bytes, allowed) || !use.known)
                continue;
            if (pass == 0)
                least = fmin(least, use.busy + use.steal);
            else if (use.busy + use.steal <= least + alike)
                idlest = (int)cpu;
        }
    return idlest;
}

static uint64_t ticks_before(const struct moment *before, const struct process *process, size_t guess)
{
    size_t count = before->process_count;
    for (size_t i = 0; i < count; i++) {
        const struct process *other = &before->processes[(guess + i) % count];
        if (other->pid == process->pid)
            return other->ticks;
    }
    return 0; /* it is new */
}

/* The process that took most, of those on that CPU or (there == false) not on it. A tick alone is chance. */
static void find_who(const struct cpu_look *look, unsigned cpu, bool there, struct cpu_use *use)
{
    const struct moment *after = &look->after;
    uint64_t most = 1;
    for (size_t i = 0; use->busy > 0 && i < after->process_count; i++) {
        const struct process *process = &after->processes[i];
        if ((process->cpu == cpu) != there || process->pid == (uint64_t)getpid())
            continue;
        uint64_t took = between(ticks_before(&look->before, process, i), process->ticks);
        if (took <= most)
            continue;
        most = took;
        (void)snprintf(
            use->who, sizeof use->who, "%s, process %llu", process->name, (unsigned long long)process->pid);
    }
}

struct cpu_use cpu_look_at(const struct cpu_look *look, unsigned cpu)
{
    struct cpu_use use = cpu < CPU_USE_MAX ? use_of(ticks_of(look, cpu)) : (struct cpu_use){.known = false};
    find_who(look, cpu, true, &use);
    return use;
}

struct cpu_use cpu_look_at_others(const struct cpu_look *look, unsigned cpu)
{
    struct ticks sum = {.known = false};
    for (size_t other = 0; other < CPU_USE_MAX; other++) {
        struct ticks ticks = ticks_of(look, other);
        if (other == cpu || !ticks.known)
            continue;
        sum = (struct ticks){true, sum.all + ticks.all, sum.idle + ticks.idle, sum.steal + ticks.steal};
    }
    struct cpu_use use = use_of(sum);
    find_who(look, cpu, false, &use);
    return use;
}
