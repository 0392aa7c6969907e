#include "host/urgent.h"

#include <sched.h>

void urgent_begin(struct urgent *urgent)
{
    const struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (!urgent->is && sched_getscheduler(0) == SCHED_OTHER)
        urgent->is = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &least) == 0;
}

/* The flag stays: to take it off is a right of its own, and of what is started it only undoes a nice value
 * below 0. */
void urgent_end(struct urgent *urgent)
{
    const struct sched_param none = {.sched_priority = 0};
    if (urgent->is)
        (void)sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
    urgent->is = false;
}
