#include "base/unit.h"

const char *const unit_names[UNITS] = {"words", "yes-no", "ns", "bytes", "count", "share", "ratio", "change"};

const char *unit_name(enum unit unit)
{
    return unit_names[unit];
}
