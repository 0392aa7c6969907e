#include "experiment/verify_internal.h"
int verify_safety(const struct monitor_ops *monitor, const struct stop *stop, bool quick,
    struct trials *trials, struct error *error)
{
    (void)monitor;
    (void)stop;
    (void)quick;
    (void)trials;
    (void)error;
    return 0;
}
