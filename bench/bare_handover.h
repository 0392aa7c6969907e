/* The floors of monitor/deprivileged/child.h: two processes that hand over to each other, and with that as
 * many words as a guest has registers, and do nothing else. */
#ifndef VCOST_BENCH_BARE_HANDOVER_H
#define VCOST_BENCH_BARE_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

struct bare_partner;

/* Starts the other process. It hands over by itself, or in the handler of a SIGSYS that its filter makes of a
 * system call. With spins (looks at the shared word before sleeping) it runs on `cpu`. NULL: *why. */
struct bare_partner *bare_partner_open(bool trap, uint32_t spins, int cpu, const char **why);
/* There and back so often; ticks of the time-stamp counter. */
uint64_t bare_partner_ticks(struct bare_partner *partner, uint64_t count);
void bare_partner_close(struct bare_partner *partner);

#endif
