#include "inspect/told_internal.h"

int inspect_told(
    const struct host *host, const struct monitor_facts *kvm, struct findings *findings, struct error *error)
{
    static int (*const sections[])(const struct telling *) = {
        tell_cpu, tell_caches, tell_memory, tell_clock, tell_kvm, tell_below};
    const struct telling telling = {host, kvm, findings, error};
    const size_t before = findings->count;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        int rc = sections[i](&telling);
        if (rc) {
            findings->count = before;
            return rc;
        }
    }
    return 0;
}
