#include "host/schedule_wait.h"

#include "host/read_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RAN, WAITED };

static double figure_of(pid_t task, int figure)
{
    char path[64], line[READ_TEXT_LINE], *at;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)task);
    if (read_line(path, line, sizeof line) < 0)
        return NAN;
    unsigned long long ran = strtoull(line, &at, 10);
    return (double)(figure == RAN ? ran : strtoull(at, NULL, 10)) / 1e9;
}

double schedule_waited(pid_t task)
{
    return figure_of(task, WAITED);
}

double schedule_ran(pid_t task)
{
    return figure_of(task, RAN);
}

double schedule_stolen(void)
{
    char line[READ_TEXT_LINE];
    unsigned long long steal;
    if (read_line("/proc/stat", line, sizeof line) < 0 ||
        sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
        return NAN;
    return (double)steal / (double)sysconf(_SC_CLK_TCK);
}
