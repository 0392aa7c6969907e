/* What a monitor does on this host, found by trying it: told with every number that comes out of it. */
#ifndef VCOST_MONITOR_MONITOR_FACTS_H
#define VCOST_MONITOR_MONITOR_FACTS_H

#include "base/fact.h"

#include <stdbool.h>
#include <stddef.h>

/* How memory is virtualized. Direct: the guest's own tables are what is translated by, and it asks for each
 * change of them. Agile: shadow, and nested for tables that change often (Gandhi, Hill, Swift, ISCA 2016). */
enum technique {
    TECHNIQUE_NONE,
    TECHNIQUE_NESTED,
    TECHNIQUE_SHADOW,
    TECHNIQUE_DIRECT,
    TECHNIQUE_AGILE,
    TECHNIQUE_UNKNOWN
};
extern const char *const technique_names[TECHNIQUE_UNKNOWN + 1];
const char *technique_name(
    enum technique technique); /* "none", "nested", "shadow", "direct", "agile", "unknown" */

enum { MONITOR_PARAMETERS_MAX = 48, MONITOR_QUIRKS_MAX = 8 };

struct monitor_parameter {
    char name[48], value[48];
};

struct monitor_facts {
    char name[16]; /* of the monitor: "kvm" */
    bool usable;
    char reason[256]; /* why it is not usable and what to do; "" if usable */
    enum technique technique;
    char technique_proof[160]; /* "64 aliases of one page took 63 faults": how the technique is known */
    struct fact provider;      /* "kvm_amd", "kvm_intel", "kvm_pvm" */
    struct monitor_parameter
        parameters[MONITOR_PARAMETERS_MAX]; /* the provider's and kvm's module parameters */
    size_t parameter_count;
    int syscall_privilege; /* the CPL that SYSCALL leads to in a guest: 0 as on hardware, 3 under PVM; -1
                              unknown */
    char quirks[MONITOR_QUIRKS_MAX][160];
    size_t quirk_count;
};

/* As JSON (record.h), without the name and with it. */
struct record;
extern const struct record monitor_facts_record, named_monitor_facts_record;

/* "kvm (shadow, PVM)", "kvm (nested)", "paravirt (direct)", "shadow": the name with what is behind it, into
 * label[48]. */
void monitor_label(const struct monitor_facts *facts, const char *name, char label[static 48]);

#endif
