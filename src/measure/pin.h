/* Binds the measuring thread to one CPU for as long as it measures. */
#ifndef VCOST_MEASURE_PIN_H
#define VCOST_MEASURE_PIN_H

#include "base/error.h"

#include <sched.h>

struct pin {
    unsigned cpu;
    cpu_set_t *before; /* where the thread was allowed to run; owned */
    size_t bytes;
};

/* Binds the calling thread to CPU `wanted`, or with -1 to the last one that it may use (the first tend to
 * serve the machine's interrupts). A CPU that does not exist or is not allowed is an error that names those
 * that are. */
int pin_thread(struct pin *pin, int wanted, struct error *error);

/* The idlest CPU that the calling thread may use (host/cpu_use.h), for pin_thread(). -1: not known. */
struct cpu_look;
int pin_idlest(const struct cpu_look *look);

/* Binds the calling thread to a CPU. 0 or -errno. */
int pin_bind(unsigned cpu);

/* Whether the calling thread, which the kernel says is bound to a CPU, is: -ENOTSUP with a sentence if not.
 */
int pin_check(unsigned cpu, struct error *error);

/* Another CPU that the thread may use once it is released; -1 if there is none. */
int pin_other(const struct pin *pin);

/* Lets the thread run where it was allowed to, for a while: not while anything is measured. pin_resume()
 * binds it again. */
void pin_pause(const struct pin *pin);
int pin_resume(const struct pin *pin, struct error *error);

/* Lets the thread run again where it was allowed to. */
void pin_release(struct pin *pin);

#endif
