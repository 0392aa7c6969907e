/* The table of monitors. */
#include "monitor/monitor.h"

#include "monitor/deprivileged/deprivileged.h"
#include "monitor/kvm/kvm.h"

static const struct monitor_ops *const monitors[] = {&monitor_kvm, &monitor_paravirt, &monitor_shadow};
_Static_assert(sizeof monitors / sizeof monitors[0] <= MONITORS_MAX, "MONITORS_MAX");

const struct monitor_ops *monitor_at(size_t index)
{
    return index < sizeof monitors / sizeof monitors[0] ? monitors[index] : NULL;
}
