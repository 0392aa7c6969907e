/* What KVM's modules were loaded with, as /sys/module shows it. */
#include "monitor/kvm/internal.h"

#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Those of KVM itself that bear on what a guest costs. The provider's are read whole. */
static const char *const kvm_parameters[] = {
    "tdp_mmu", "nx_huge_pages", "eager_page_split", "halt_poll_ns", "mmio_caching"};

enum { PATH_BYTES = 512 };

struct reading {
    struct monitor_facts *facts;
    const char *module;
    size_t first;    /* of this module's parameters, which are sorted */
    size_t left_out; /* for want of room */
};

/* Copies a text; one that does not fit ends in dots. */
static void copy_marked(char *to, size_t size, const char *from)
{
    text_copy(to, size, from);
    if (strlen(from) >= size)
        memcpy(to + size - 4, "...", 4);
}

/* At its place in the order of names. Where there is no room the last one is left out, whatever the order of
 * the directory. */
static void insert(struct reading *reading, const struct monitor_parameter *parameter)
{
    struct monitor_facts *facts = reading->facts;
    size_t at = facts->parameter_count;
    while (at > reading->first && strcmp(facts->parameters[at - 1].name, parameter->name) > 0)
        at--;
    if (facts->parameter_count == MONITOR_PARAMETERS_MAX)
        reading->left_out++;
    else
        facts->parameter_count++;
    if (at == MONITOR_PARAMETERS_MAX)
        return;
    memmove(&facts->parameters[at + 1], &facts->parameters[at],
        (facts->parameter_count - at - 1) * sizeof *parameter);
    facts->parameters[at] = *parameter;
}

/* One that is not there, or that may not be read, is none. */
static bool read_one(const char *name, void *context)
{
    struct reading *reading = context;
    struct monitor_parameter parameter;
    char path[PATH_BYTES], full[READ_TEXT_LINE], line[READ_TEXT_LINE];
    snprintf(path, sizeof path, "/sys/module/%s/parameters/%s", reading->module, name);
    int rc = read_line(path, line, sizeof line);
    if (rc < 0 && rc != -ENODATA) /* that is an empty one */
        return true;
    snprintf(full, sizeof full, "%s.%s", reading->module, name);
    copy_marked(parameter.name, sizeof parameter.name, full);
    copy_marked(parameter.value, sizeof parameter.value, line);
    insert(reading, &parameter);
    return true;
}

static void tell_left_out(const struct reading *reading)
{
    struct monitor_facts *facts = reading->facts;
    if (reading->left_out && facts->quirk_count < MONITOR_QUIRKS_MAX)
        snprintf(facts->quirks[facts->quirk_count++], sizeof facts->quirks[0],
            "%zu parameters of %s are not told: vcost has room for %d", reading->left_out, reading->module,
            MONITOR_PARAMETERS_MAX);
}

void kvm_read_parameters(struct monitor_facts *facts)
{
    char path[PATH_BYTES];
    struct reading of_kvm = {.facts = facts, .module = "kvm"};
    for (size_t i = 0; i < sizeof kvm_parameters / sizeof kvm_parameters[0]; i++)
        read_one(kvm_parameters[i], &of_kvm);
    if (!facts->provider.known)
        return;
    struct reading provider = {
        .facts = facts, .module = facts->provider.text, .first = facts->parameter_count};
    snprintf(path, sizeof path, "/sys/module/%s/parameters", provider.module);
    (void)read_each_name(path, read_one, &provider); /* a module without parameters has no such folder */
    tell_left_out(&provider);
}
