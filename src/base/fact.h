/* Something that was found out, or why it could not be: never an empty value that could be taken for one. */
#ifndef VCOST_BASE_FACT_H
#define VCOST_BASE_FACT_H

#include <stdbool.h>

struct fact {
    bool known;
    char text[160]; /* known: the value; otherwise: the reason, half a sentence ("no cpufreq driver in /sys")
                     */
};

struct fact fact_known(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct fact fact_unknown(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
