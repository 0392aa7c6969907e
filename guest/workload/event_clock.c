/* Reading the time-stamp counter. */
#include "event.h"

EVENT_LOOP(event_rdtsc, (void)timer_ticks();)
