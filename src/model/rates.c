#include "model/rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const model_event_names[MODEL_EVENTS] = {
    [EVENT_FAULT] = "faults",
    [EVENT_CHANGE] = "pte-changes",
    [EVENT_SWITCH] = "switches",
    [EVENT_EXIT] = "exits",
    [EVENT_TICK] = "ticks",
    [EVENT_FLUSH] = "flushes",
    [EVENT_TURN] = "turns",
    [EVENT_SCAN] = "scans",
};

int event_rates_check(const struct event_rates *rates, struct error *error)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++) {
        const struct event_rate *rate = &rates->of[event];
        double most = rate->per_second ? EVENT_RATE_PER_SECOND_MAX : EVENT_RATE_MAX;
        if (!(rate->rate >= 0 && rate->rate <= most))
            return error_set(error, EINVAL, "%s: a rate is between 0 and %g %s", model_event_names[event],
                most, rate->per_second ? "a second" : "a million accesses");
    }
    return 0;
}

static enum model_event event_named(const char *name, size_t length)
{
    enum model_event event = 0;
    while (event < MODEL_EVENTS &&
           (strncmp(model_event_names[event], name, length) != 0 || model_event_names[event][length]))
        event++;
    return event;
}

/* One item, up to *end; of those that are seen, a bit each. */
static int parse_one(
    const char *item, const char **end, unsigned *seen, struct event_rates *rates, struct error *error)
{
    size_t length = strcspn(item, ",="), all = strcspn(item, ",");
    enum model_event event = event_named(item, length);
    char *after = NULL;
    if (event == MODEL_EVENTS)
        return error_set(error, EINVAL,
            "\"%.*s\" is no event: faults, pte-changes, switches, exits, ticks, flushes, turns, scans",
            (int)(length < 40 ? length : 40), item);
    double rate = item[length] == '=' ? strtod(item + length + 1, &after) : 0;
    bool per_second = after && strncmp(after, "/s", 2) == 0;
    *end = item + all;
    if (!after || after == item + length + 1 || after + (per_second ? 2 : 0) != *end)
        return error_set(error, EINVAL, "\"%.*s\" is no rate: %s=N a million accesses, or %s=N/s a second",
            (int)(all < 60 ? all : 60), item, model_event_names[event], model_event_names[event]);
    if (*seen >> event & 1)
        return error_set(error, EINVAL, "\"%s\" is there twice", model_event_names[event]);
    *seen |= 1u << event;
    rates->of[event] = (struct event_rate){rate, per_second};
    return 0;
}

int event_rates_parse(const char *text, struct event_rates *rates, struct error *error)
{
    struct event_rates read = {.of = {{.rate = 0}}};
    unsigned seen = 0;
    for (const char *at = text, *end;; at = end + 1) {
        int rc = parse_one(at, &end, &seen, &read, error);
        if (rc < 0)
            return rc;
        if (!*end)
            break;
    }
    int rc = event_rates_check(&read, error);
    if (rc == 0)
        *rates = read;
    return rc;
}
