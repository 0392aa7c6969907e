#include "host/settings.h"

#include "host/read_text.h"
#include "host/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* ---- governor ---- */

/* One policy's governor into the fact in context; "mixed" if they differ. */
static bool take_governor(const char *policy, void *context)
{
    char path[READ_TEXT_LINE];
    struct fact *all = context;
    if (strncmp(policy, "policy", strlen("policy")))
        return true;
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpufreq/%s/scaling_governor", policy);
    struct fact one = read_fact(path);
    if (!one.known)
        return true;
    if (!all->known)
        *all = one;
    else if (strcmp(all->text, one.text))
        *all = fact_known("mixed");
    return true;
}

static struct fact look_governor(int cpu)
{
    struct fact governor = fact_unknown("no cpufreq driver in /sys");
    char path[READ_TEXT_LINE];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
    struct fact own = read_fact(path);
    if (cpu >= 0 && own.known)
        return own;
    (void)read_each_name("/sys/devices/system/cpu/cpufreq", take_governor, &governor);
    return governor;
}

/* ---- turbo ---- */

/* Linux Documentation/admin-guide/pm/{cpufreq,intel_pstate}.rst. */
static struct fact look_turbo(void)
{
    static const struct {
        const char *path;
        uint64_t on;
    } switches[] = {
        {"/sys/devices/system/cpu/intel_pstate/no_turbo", 0},
        {"/sys/devices/system/cpu/cpufreq/boost", 1},
    };
    uint64_t value;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (!read_number(switches[i].path, &value) && value <= 1)
            return fact_known(value == switches[i].on ? "on" : "off");
    return fact_unknown("no switch for it in /sys");
}

/* ---- SMT ---- */

/* "on" if two threads of a core are really online; otherwise "off", or what `control` says more precisely
 * ("forceoff", "notsupported", "notimplemented"). */
static struct fact look_smt(void)
{
    static const char active_path[] = "/sys/devices/system/cpu/smt/active";
    struct fact active = read_fact(active_path), control = read_fact("/sys/devices/system/cpu/smt/control");
    if (!active.known)
        return active;
    if (!strcmp(active.text, "1"))
        return fact_known("on");
    if (strcmp(active.text, "0"))
        return fact_unknown("%s holds neither 0 nor 1", active_path);
    return control.known && strcmp(control.text, "on") ? control : fact_known("off");
}

/* ---- mitigations ---- */

static const char mitigations_path[] = "/sys/devices/system/cpu/vulnerabilities";

static bool take_mitigation(const char *name, void *context)
{
    char path[READ_TEXT_LINE], line[READ_TEXT_LINE];
    struct host *host = context;
    struct host_named_fact *found = &host->mitigations[host->mitigation_count];
    (void)snprintf(path, sizeof path, "%s/%s", mitigations_path, name);
    if (read_line(path, line, sizeof line))
        return true;
    text_copy(found->name, sizeof found->name, name);
    text_trim(found->name);
    text_copy(found->text, sizeof found->text, line);
    host->mitigation_count++;
    return host->mitigation_count < HOST_MITIGATIONS_MAX;
}

static int by_name(const void *a, const void *b)
{
    const struct host_named_fact *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void look_mitigations(struct host *host)
{
    int rc = read_each_name(mitigations_path, take_mitigation, host);
    qsort(host->mitigations, host->mitigation_count, sizeof *host->mitigations, by_name);
    if (rc)
        host->mitigations_source = fact_unknown("cannot read %s: %s", mitigations_path, strerror(-rc));
    else if (!host->mitigation_count)
        host->mitigations_source = fact_unknown("%s is empty", mitigations_path);
    else
        host->mitigations_source = fact_known("%s", mitigations_path);
}

static struct fact look_kernel(void)
{
    struct utsname name;
    return uname(&name) ? fact_unknown("uname() failed") : fact_known("%s", name.release);
}

void host_look_settings(struct host *host)
{
    host->kernel = look_kernel();
    host->governor = look_governor(host->looked_at);
    host->turbo = look_turbo();
    host->smt = look_smt();
    look_mitigations(host);
}
