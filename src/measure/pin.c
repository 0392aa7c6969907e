#include "measure/pin.h"

#include "host/cpu_use.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 8192 };

static int last_cpu(const struct pin *pin)
{
    int last = -1;
    for (int cpu = 0; cpu < CPUS_MAX; cpu++)
        if (CPU_ISSET_S((size_t)cpu, pin->bytes, pin->before))
            last = cpu;
    return last;
}

/* The allowed CPUs as the kernel writes them ("0-3,8"), cut with "…" where there are too many. */
static void list_cpus(const struct pin *pin, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int cpu = 0; cpu < CPUS_MAX && used + 24 < bytes; cpu++) {
        int end = cpu;
        if (!CPU_ISSET_S((size_t)cpu, pin->bytes, pin->before))
            continue;
        while (end + 1 < CPUS_MAX && CPU_ISSET_S((size_t)end + 1, pin->bytes, pin->before))
            end++;
        used += (size_t)snprintf(
            text + used, bytes - used, end > cpu ? "%s%d-%d" : "%s%d", used ? "," : "", cpu, end);
        cpu = end;
    }
}

int pin_bind(unsigned cpu)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    if (!set)
        return -ENOMEM;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(cpu, bytes, set);
    int rc = sched_setaffinity(0, bytes, set) < 0 ? -errno : 0;
    CPU_FREE(set);
    return rc;
}

/* The kernel refuses a CPU that is allowed only if the set of CPUs has changed meanwhile. */
static int bind_failed(int code, int cpu, struct error *error)
{
    if (code == EPERM || code == EACCES || code == ENOSYS)
        return error_set(error, ENOTSUP,
            "this process may not choose its CPU (sched_setaffinity() is refused): a filter of system calls "
            "(seccomp) must allow it");
    return error_errno(error, code, "cannot bind the measuring thread to CPU %d%s", cpu,
        code == EINVAL ? " (it may have been taken away just now: choose another one by --cpu)" : "");
}

/* Emulators of Linux and sandboxes say yes and do nothing. What a kernel does not tell is left at its word.
 */
int pin_check(unsigned cpu, struct error *error)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    if (!set)
        return error_set(error, ENOMEM, "no memory for a set of CPUs");
    CPU_ZERO_S(bytes, set);
    bool told = sched_getaffinity(0, bytes, set) >= 0;
    bool alone = !told || (CPU_COUNT_S(bytes, set) == 1 && CPU_ISSET_S(cpu, bytes, set));
    int here = sched_getcpu();
    CPU_FREE(set);
    if (alone && (here < 0 || here == (int)cpu))
        return 0;
    return error_set(error, ENOTSUP,
        "this kernel says that the thread is bound to CPU %u, but %s: what is measured would be of any CPU. "
        "Run vcost outside of the emulator or sandbox",
        cpu, alone ? "it runs on another" : "it may run on others all the same");
}

static int choose_and_bind(struct pin *pin, int wanted, struct error *error)
{
    char allowed[128];
    if (sched_getaffinity(0, pin->bytes, pin->before) < 0)
        return error_errno(error, errno, "cannot tell which CPUs may be used");
    int cpu = wanted < 0 ? last_cpu(pin) : wanted;
    list_cpus(pin, allowed, sizeof allowed);
    if (cpu < 0 || cpu >= CPUS_MAX || !CPU_ISSET_S((size_t)cpu, pin->bytes, pin->before))
        return error_set(error, ENODEV, "CPU %d cannot be used here; these can: %s", cpu, allowed);
    int rc = pin_bind((unsigned)cpu);
    if (rc < 0)
        return bind_failed(-rc, cpu, error);
    pin->cpu = (unsigned)cpu;
    return pin_check(pin->cpu, error);
}

int pin_thread(struct pin *pin, int wanted, struct error *error)
{
    struct pin made = {.before = CPU_ALLOC(CPUS_MAX), .bytes = CPU_ALLOC_SIZE(CPUS_MAX)};
    if (!made.before)
        return error_set(error, ENOMEM, "no memory for a set of CPUs");
    memset(made.before, 0, made.bytes);
    int rc = choose_and_bind(&made, wanted, error);
    if (rc < 0)
        CPU_FREE(made.before);
    else
        *pin = made;
    return rc;
}

int pin_idlest(const struct cpu_look *look)
{
    cpu_set_t *allowed = CPU_ALLOC(CPUS_MAX);
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    int cpu = -1;
    if (allowed && sched_getaffinity(0, bytes, allowed) >= 0)
        cpu = cpu_look_idlest(look, allowed, bytes);
    CPU_FREE(allowed);
    return cpu;
}

int pin_other(const struct pin *pin)
{
    for (int cpu = CPUS_MAX - 1; cpu >= 0; cpu--)
        if (cpu != (int)pin->cpu && CPU_ISSET_S((size_t)cpu, pin->bytes, pin->before))
            return cpu;
    return -1;
}

void pin_pause(const struct pin *pin)
{
    sched_setaffinity(0, pin->bytes, pin->before);
}

int pin_resume(const struct pin *pin, struct error *error)
{
    int rc = pin_bind(pin->cpu);
    return rc < 0 ? bind_failed(-rc, (int)pin->cpu, error) : pin_check(pin->cpu, error);
}

void pin_release(struct pin *pin)
{
    if (!pin->before)
        return;
    sched_setaffinity(0, pin->bytes, pin->before);
    CPU_FREE(pin->before);
    pin->before = NULL;
}
