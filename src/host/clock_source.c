#include "host/clock_source.h"

#include "host/read_text.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0"

void host_look_clock_source(struct host *host)
{
    host->clock.source = read_fact(CLOCKSOURCE "/current_clocksource");
    host->clock.available = read_fact(CLOCKSOURCE "/available_clocksource");
}
