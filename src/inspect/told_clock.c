/* What the time is read from. */
#include "host/text.h"
#include "inspect/told_internal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0"

/* A kernel that has found the counter wanting takes it out of its sources and says why in its log only. */
static void make_offered(const struct telling *telling, struct told_value *value)
{
    const struct fact *available = &telling->host->clock.available;
    value->value = *available;
    if (!available->known)
        return;
    bool offered = text_has_word(available->text, "tsc");
    value->number = offered;
    value->value = fact_known("%s", offered ? "" : "see the kernel's log (TSC unstable)");
}

static const struct told_row rows[] = {
    {{"clock-source", FINDING_CLOCK, "clock source", UNIT_TEXT, .how = CLOCKSOURCE "/current_clocksource"},
        TOLD_FACT(clock.source)},
    {{"clock-sources", FINDING_CLOCK, "clock sources to choose from", UNIT_TEXT, .detail = true,
         .how = CLOCKSOURCE "/available_clocksource"},
        TOLD_FACT(clock.available)},
    {{"tsc-offered", FINDING_CLOCK, "the time-stamp counter is a clock source", UNIT_YES_NO, .detail = true,
         .how = CLOCKSOURCE "/available_clocksource"},
        .make = make_offered},
};

static const struct told_kind tsc_kind = {"tsc-flag", FINDING_CLOCK, "time-stamp counter", UNIT_YES_NO,
    .detail = true, .how = "flags in /proc/cpuinfo", .made_up = true};

/* Does it tick evenly, in deep sleep too; is its frequency told; is it said to be the same everywhere? */
static const char *const tsc_flags[] = {"constant_tsc", "nonstop_tsc", "tsc_known_freq", "tsc_reliable"};

static int tell_flag(const struct telling *telling, const char *flag)
{
    struct told_value value = {.key = flag, .value = told_flag(telling->host, flag)};
    if (value.value.known) {
        value.number = value.value.text[0] == 'y';
        value.value.text[0] = '\0';
    }
    return tell(telling, &tsc_kind, &value);
}

int tell_clock(const struct telling *telling)
{
    int rc = tell_rows(telling, rows, COUNT(rows));
    for (size_t i = 0; rc == 0 && i < COUNT(tsc_flags); i++)
        rc = tell_flag(telling, tsc_flags[i]);
    return rc;
}
