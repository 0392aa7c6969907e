#include "base/unit.h"

const char *unit_name(enum unit unit)
{
    static const char *const names[UNITS] = {
        "words", "yes-no", "ns", "bytes", "count", "share", "ratio", "change"};
    return names[unit];
}
