/* Memory that is fresh for a process, and not for the machine: where that is a guest, its hypervisor takes
 * back what has been free for a while, and to give it again takes ten times as long as all else that is
 * measured with it. */
#ifndef VCOST_BENCH_FRESH_H
#define VCOST_BENCH_FRESH_H

#include <stdint.h>

/* Takes so much as domains have it, and gives it to the kernel, which hands it out next. */
void fresh_at_hand(uint64_t bytes);

#endif
