/* The processor, SMT, frequency, mitigations. */
#include "inspect/told_internal.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LEAF1 "CPUID leaf 1, EAX"

static void make_vendor(const struct telling *telling, struct told_value *value)
{
    const char *vendor = telling->host->cpu.vendor;
    value->value = *vendor ? fact_known("%s", vendor) : fact_unknown("CPUID leaf 0 holds no text");
}

/* A part of the signature, which manuals have in hexadecimal. No processor with 64 bits is of family 0: then
 * nothing was told. */
static void make_part(const struct telling *telling, unsigned part, struct told_value *value)
{
    value->number = part;
    value->value =
        telling->host->cpu.family ? fact_known("%Xh", part) : fact_unknown("CPUID leaf 1 holds no signature");
}

static void make_family(const struct telling *telling, struct told_value *value)
{
    make_part(telling, telling->host->cpu.family, value);
}

static void make_model(const struct telling *telling, struct told_value *value)
{
    make_part(telling, telling->host->cpu.model, value);
}

static void make_stepping(const struct telling *telling, struct told_value *value)
{
    make_part(telling, telling->host->cpu.stepping, value);
}

static void make_online(const struct telling *telling, struct told_value *value)
{
    *value = told_number(NULL, telling->host->cpus_online);
    if (!telling->host->cpus_online)
        value->value = fact_unknown("the kernel does not tell the CPUs that are online");
}

static const struct told_row rows[] = {
    {{"cpu-brand", FINDING_CPU, "brand", UNIT_TEXT,
         .how = "CPUID leaves 8000_0002h to 8000_0004h, or /proc/cpuinfo", .made_up = true},
        TOLD_FACT(cpu.brand)},
    {{"cpu-vendor", FINDING_CPU, "vendor", UNIT_TEXT, .detail = true, .how = "CPUID leaf 0", .made_up = true},
        .make = make_vendor},
    {{"cpu-family", FINDING_CPU, "family", UNIT_COUNT, .detail = true, .how = LEAF1, .made_up = true},
        .make = make_family},
    {{"cpu-model", FINDING_CPU, "model", UNIT_COUNT, .detail = true, .how = LEAF1, .made_up = true},
        .make = make_model},
    {{"cpu-stepping", FINDING_CPU, "stepping", UNIT_COUNT, .detail = true, .how = LEAF1, .made_up = true},
        .make = make_stepping},
    {{"microcode", FINDING_CPU, "microcode", UNIT_TEXT, .how = "/proc/cpuinfo", .made_up = true},
        TOLD_FACT(cpu.microcode)},
    {{"kernel", FINDING_CPU, "kernel", UNIT_TEXT, .how = "uname()"}, TOLD_FACT(kernel)},
    {{"cpus-online", FINDING_CPU, "CPUs online", UNIT_COUNT,
         .how = "/sys/devices/system/cpu/online, or sysconf()"},
        .make = make_online},
    {{"cpus-allowed", FINDING_CPU, "CPUs that this process may run on", UNIT_COUNT,
         .how = "sched_getaffinity()"},
        TOLD_FACT(cpus.allowed)},
    {{"cgroup-cpus", FINDING_CPU, "CPU limit of control groups", UNIT_COUNT,
         .how = "the narrowest cpu.max (cgroup v2) or cpu.cfs_quota_us (v1) of this process's groups",
         .sure = "groups above those that are mounted here may be narrower"},
        TOLD_FACT(cpus.limit)},
    {{"smt", FINDING_CPU, "threads share cores (SMT)", UNIT_YES_NO, .how = "/sys/devices/system/cpu/smt",
         .made_up = true},
        TOLD_FACT(smt)},
    {{"governor", FINDING_CPU, "frequency governor", UNIT_TEXT, .detail = true,
         .how = "scaling_governor in /sys/devices/system/cpu/cpufreq"},
        TOLD_FACT(governor)},
    {{"turbo", FINDING_CPU, "turbo", UNIT_YES_NO, .detail = true,
         .how = "intel_pstate/no_turbo or cpufreq/boost in /sys/devices/system/cpu"},
        TOLD_FACT(turbo)},
};

/* ---- mitigations ---- */

static const char vulnerabilities[] = "/sys/devices/system/cpu/vulnerabilities";

static const struct told_kind mitigation = {"mitigation", FINDING_CPU, "mitigation", UNIT_TEXT,
    .detail = true, .how = vulnerabilities,
    .sure = "what this kernel does; the hypervisor below may do more"};

/* How many of them start with these words. */
static const struct tally {
    struct told_kind kind;
    const char *start;
} tallies[] = {
    {{"mitigations-not-affected", FINDING_CPU, "flaws that this processor has not", UNIT_COUNT,
         .detail = true, .how = vulnerabilities, .made_up = true},
        "Not affected"},
    {{"mitigations-missing", FINDING_CPU, "flaws without a mitigation", UNIT_COUNT, .how = vulnerabilities},
        "Vulnerable"},
};

static bool starts(const struct host_named_fact *flaw, const char *start)
{
    return !strncmp(flaw->text, start, strlen(start));
}

static int tell_mitigation(const struct telling *telling, const struct host_named_fact *flaw)
{
    char how[FINDING_TEXT_BYTES];
    if (starts(flaw, "Not affected"))
        return 0;
    (void)snprintf(how, sizeof how, "%s/%s", vulnerabilities, flaw->name);
    const struct told_value value = {.key = flaw->name, .how = how, .value = fact_known("%s", flaw->text)};
    return tell(telling, &mitigation, &value);
}

static int tell_tally(const struct telling *telling, const struct tally *tally)
{
    const struct host *host = telling->host;
    unsigned count = 0;
    for (size_t i = 0; i < host->mitigation_count; i++)
        count += starts(&host->mitigations[i], tally->start);
    struct told_value value = told_number(NULL, count);
    if (!host->mitigation_count)
        value.value = fact_unknown("%s", host->mitigations_source.text);
    return tell(telling, &tally->kind, &value);
}

static int tell_mitigations(const struct telling *telling)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < telling->host->mitigation_count; i++)
        rc = tell_mitigation(telling, &telling->host->mitigations[i]);
    for (size_t i = 0; rc == 0 && i < COUNT(tallies); i++)
        rc = tell_tally(telling, &tallies[i]);
    return rc;
}

int tell_cpu(const struct telling *telling)
{
    int rc = tell_rows(telling, rows, COUNT(rows));
    return rc ? rc : tell_mitigations(telling);
}
