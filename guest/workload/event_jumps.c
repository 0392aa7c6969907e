/* Executing code that the host has laid out: job->steps calls of the chain of jumps at job->first. */
#include "event.h"

EVENT_LOOP(event_jumps, ((void (*)(void))job->first)();)
