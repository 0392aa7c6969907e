#include "result/ran.h"

const char *const fidelity_names[FIDELITIES] = {"same", "different", "not comparable", "unknown"};

const char *const ran_faults_names[RAN_FAULTS] = {"eager", "demand", NULL};

const struct ran_cause_facts ran_causes[CAUSES] = {
    [CAUSE_DOMAINS] = {"domains", "domains made and ended", true},
    [CAUSE_CALLS] = {"system-calls", "exits by system calls", true},
    [CAUSE_LOOKS] = {"call-pointers", "pointers of these followed", true},
    [CAUSE_YIELDS] = {"native-yields", "more yields natively", true},
    [CAUSE_ANSWERED] = {"answered-calls", "system calls answered in the guest", true},
    [CAUSE_MEMORY] = {"memory-calls", "memory changed by system calls", true},
    [CAUSE_GUEST_FAULTS] = {"guest-faults", "exits by exceptions", true},
    [CAUSE_HANDLED_FAULTS] = {"handled-faults", "page faults handled in the guest", true},
    [CAUSE_FRESH_PAGES] = {"fresh-pages", "first touches of fresh pages", false},
    [CAUSE_KNOWN_FAULTS] = {"known-faults", "faults on pages that the host had", false},
    [CAUSE_KNOWN_PAGES] = {"known-pages", "pages that these brought", false},
    [CAUSE_PROCESS_FAULTS] = {"process-faults", "more page faults on the host", false},
    [CAUSE_SIGNALS] = {"signals", "signals delivered", true},
    [CAUSE_INTERRUPTIONS] = {"interruptions", "exits since a signal came", true},
    [CAUSE_FORKS] = {"forks", "processes made", true},
    [CAUSE_FORK_PAGES] = {"fork-pages", "pages that their parents had", true},
    [CAUSE_VFORKS] = {"vforks", "processes made in their parent's memory", true},
    [CAUSE_THREADS] = {"threads", "threads made", true},
    [CAUSE_HOST_EXITS] = {"host-exits", "exits within the host's kernel", false},
    [CAUSE_WAITING] = {"waiting", "kept from a CPU by others", false},
    [CAUSE_TRANSLATION] = {"translation", "longer page walks", false},
};
