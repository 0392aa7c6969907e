/* What every experiment on this machine measures with: a CPU, a clock, the workloads' code, what the monitors
 * do here, placements and the runners on them. */
#ifndef VCOST_EXPERIMENT_SETTING_H
#define VCOST_EXPERIMENT_SETTING_H

#include "base/stop.h"
#include "experiment/lookout.h"
#include "host/kept_memory.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "monitor/monitor.h"
#include "result/result.h"
#include "runner/modelled.h"
#include "runner/remote.h"
#include "workload/image.h"

enum { SETTING_PLACEMENTS_MAX = 32, SETTING_RUNNERS_MAX = 64 };

/* How machines are simulated that are named in --on. */
struct modelling {
    enum model_technique techniques[MODEL_TECHNIQUES];
    size_t count;
    bool hypothetical;                     /* also techniques that a machine does not have */
    struct modelled_conditions conditions; /* sync_write is the setting's */
    bool refused;                          /* a machine lacks what it was to be simulated with */
};

struct setting {
    bool simulated; /* nothing is measured: there is no pin, clock, lookout or image */
    struct pin pin;
    struct clock clock;
    struct lookout lookout; /* on it, and on what else can change */
    struct image image;
    struct stop stop;
    bool sync_write; /* of the runners in guests: vm_config.sync_write, */
    unsigned fill;   /* and .fill */
    struct modelling modelling;
    struct pool machines;                     /* what is simulated: texts and struct modelled */
    struct error cannot_measure;              /* why nothing can be timed here; code 0: it can */
    const char *const *on;                    /* where it may run: names of runners, and others; not owned */
    size_t on_count;                          /* 0: wherever this host can run something */
    bool every_monitor;                       /* then those too that run only where they are named */
    struct monitor_facts facts[MONITORS_MAX]; /* of monitor_at() */
    char busy[320];     /* the sentence that something else takes the CPUs; "": hardly anything does */
    char left_out[480]; /* the sentence that a monitor is left out since it cannot be used; "": none is */
    struct kept_memory kept; /* of the placements; to be released after each experiment that keeps some */
    struct placement placements[SETTING_PLACEMENTS_MAX];
    struct remote *remotes[SETTING_PLACEMENTS_MAX]; /* that the placement is behind; NULL: it is here */
    size_t placement_count;
    struct runner_config runners[SETTING_RUNNERS_MAX];
    size_t runner_count;
};

/* For `cpu`: the idlest; what is measured runs on all that may be used, and that is what is looked at. */
enum { SETTING_ON_ALL = -2 };

/* Binds the calling thread to a CPU (-1: the idlest that may be used, after a short look) and makes ready.
 * *setting must stay where it is until setting_close(), which is to be called also after a failure of
 * setting_open(). After one setting->cannot_measure has it too: whoever can do without measuring may go on.
 */
int setting_open(struct setting *setting, int cpu, const struct stop *stop, struct error *error);
/* The same where nothing is measured, all is simulated (setting_simulates()): no CPU, no clock. */
void setting_open_simulated(struct setting *setting, const struct stop *stop);
/* Whether all items of --on are simulated machines. */
bool setting_simulates(const char *const *on, size_t on_count);
void setting_close(struct setting *setting);

/* Says where it is to run, and finds out what the monitors that takes do here; the others are only asked
 * what is known without running a guest. -ENOTSUP if one that is named cannot be used. */
int setting_probe(struct setting *setting, const char *const *on, size_t on_count, struct error *error);

/* Whether it is to run there, as far as the user says. */
bool setting_wants(const struct setting *setting, const char *runner);

/* As setting_probe() found them; NULL for no monitor. */
const struct monitor_facts *setting_facts(const struct setting *setting, const struct monitor_ops *monitor);

/* Whether it is to run there and can. */
bool setting_has(const struct setting *setting, const struct runner_ops *ops);

/* Looks at the machine, as a thread that is not bound to a CPU: result->host, where and how it ran, and what
 * the agents have told of theirs. If the thread cannot be bound again, what was measured is as good as
 * before, and setting->cannot_measure has the reason. */
int setting_describe(struct setting *setting, struct result *result, struct error *error);

/* Adds a placement on this machine, without runners. */
int setting_add_placement(struct setting *setting, const struct memory_request *memory, bool lock,
    struct placement **placement, struct error *error);
int setting_add_runner(struct setting *setting, const struct runner_config *runner, struct error *error);

/* Adds whatever is to run: on one placement the runners of this machine, in the order of their table, so that
 * native is the first, those that are monitors' with each of the sizes of a guest's own pages; and for each
 * command ("command:…"), which is started, a runner behind it; and for each machine that is simulated
 * ("model:…") one with each technique. */
int setting_add_wanted(struct setting *setting, const struct memory_request *memory, bool lock,
    const uint64_t *guest_pages, size_t guest_page_count, struct error *error);

#endif
