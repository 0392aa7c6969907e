#include "inspect/exit_cost.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of CPUID, ns. What lies between two bands is in none. The first limit is also one of ticks, for processors
 * that run slowly: the instruction takes some 100 to 250 of its cycles. */
static const double stays_ns = 120, stays_ticks = 300;
static const struct band {
    double from, to;
    enum exit_verdict verdict;
} bands[] = {
    {0, 120, EXIT_NONE},
    {400, 2500, EXIT_ONE_LEVEL},
    {5000, INFINITY, EXIT_SEVERAL},
};
static const double exits_ns = 400; /* more, and it has left for certain */

/* RDTSC takes 20 to 50 cycles; 300 ns are more than any that stays. */
static const double rdtsc_exits_ns = 300, rdtsc_stays_ns = 100;
static const double rdtsc_exits_share = 0.1; /* of CPUID's, where that exits */

/* Of the system call's price; what is read in the process takes less than half of it. */
static const double clock_slow_share = 0.8, clock_fast_share = 0.6;

const char *exit_verdict_name(enum exit_verdict verdict)
{
    static const char *const names[EXIT_VERDICTS] = {
        [EXIT_UNKNOWN] = "unknown",
        [EXIT_NONE] = "no",
        [EXIT_ONE_LEVEL] = "one level",
        [EXIT_BETWEEN] = "one level or several",
        [EXIT_SEVERAL] = "several levels or emulation",
    };
    return names[verdict];
}

static void say(char reason[256], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char reason[256], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, 256, format, arguments);
    va_end(arguments);
}

/* A figure that can be judged, with ends. */
static bool is_measured(const struct exit_price *price)
{
    return isfinite(price->value) && price->value > 0;
}

static void say_missing(char reason[256], const char *known, const char *otherwise)
{
    say(reason, "%s", known && known[0] ? known : otherwise);
}

static double low_of(const struct exit_price *price)
{
    return isfinite(price->low) ? fmin(price->low, price->value) : price->value;
}

static double high_of(const struct exit_price *price)
{
    return isfinite(price->high) ? fmax(price->high, price->value) : price->value;
}

/* In software no instruction leaves the guest, and every one is slow. */
static bool is_emulated(const struct exit_cost_input *input)
{
    return input->guest_of && (!strcmp(input->guest_of, "tcg") || !strcmp(input->guest_of, "bochs"));
}

/* ---- CPUID ---- */

static double stays_up_to(const struct exit_cost_input *input)
{
    double slow = isfinite(input->tsc_ghz) && input->tsc_ghz > 0 ? stays_ticks / input->tsc_ghz : 0;
    return fmin(fmax(stays_ns, slow), exits_ns);
}

static const struct band *band_of(const struct exit_cost_input *input, double ns)
{
    for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
        double to = bands[i].verdict == EXIT_NONE ? stays_up_to(input) : bands[i].to;
        if (ns >= bands[i].from && ns <= to)
            return &bands[i];
    }
    return NULL;
}

static enum exit_verdict cpuid_verdict(const struct exit_cost_input *input)
{
    const struct band *low = band_of(input, low_of(&input->cpuid)),
                      *high = band_of(input, high_of(&input->cpuid));
    if (low && low == high)
        return low->verdict;
    return low_of(&input->cpuid) >= exits_ns ? EXIT_BETWEEN : EXIT_UNKNOWN;
}

static void explain_cpuid(const struct exit_cost_input *input, struct exit_cost *out)
{
    double us = input->cpuid.value / 1000;
    const char *hidden = out->hidden ? ", though no hypervisor announces itself" : "";
    switch (out->cpuid) {
    case EXIT_NONE:
        say(out->cpuid_reason, "CPUID takes %.0f ns, as on bare metal%s", input->cpuid.value,
            input->is_guest ? ", though a hypervisor announces itself" : "");
        break;
    case EXIT_ONE_LEVEL:
        say(out->cpuid_reason,
            "CPUID takes %.2f µs, as where it leaves a guest for the hypervisor right below (0.4 to 2.5 "
            "µs)%s; "
            "a nested guest under PVM pays no more",
            us, hidden);
        break;
    case EXIT_BETWEEN:
        say(out->cpuid_reason,
            "CPUID takes %.2f µs (%.2f to %.2f): it leaves this machine%s; one level takes 0.4 to 2.5 µs, "
            "several take 5 µs and more",
            us, low_of(&input->cpuid) / 1000, high_of(&input->cpuid) / 1000, hidden);
        break;
    case EXIT_SEVERAL:
        say(out->cpuid_reason,
            "CPUID takes %.2f µs; one level takes 0.4 to 2.5 µs, a nested guest 7 µs and more, as the exit "
            "is "
            "reflected through the hypervisor below%s",
            us, hidden);
        break;
    default:
        say(out->cpuid_reason,
            "CPUID takes %.0f ns (%.0f to %.0f): up to %.0f ns it stays in the processor, from %.0f ns on it "
            "leaves",
            input->cpuid.value, low_of(&input->cpuid), high_of(&input->cpuid), stays_up_to(input), exits_ns);
    }
}

static void judge_cpuid(const struct exit_cost_input *input, struct exit_cost *out)
{
    out->cpuid = EXIT_UNKNOWN;
    if (!is_measured(&input->cpuid)) {
        say_missing(out->cpuid_reason, input->no_cpuid, "the price of CPUID was not measured");
        return;
    }
    if (is_emulated(input)) {
        say(out->cpuid_reason,
            "the processor is emulated in software (%s): CPUID takes %.0f ns, which says nothing of exits",
            input->guest_of, input->cpuid.value);
        return;
    }
    out->cpuid = cpuid_verdict(input);
    out->hidden = !input->is_guest && low_of(&input->cpuid) >= exits_ns;
    explain_cpuid(input, out);
}

/* ---- RDTSC ---- */

static enum exit_answer rdtsc_answer(const struct exit_cost_input *input, bool cpuid_exits)
{
    double low = low_of(&input->rdtsc), high = high_of(&input->rdtsc);
    double share = cpuid_exits ? rdtsc_exits_share * input->cpuid.value : INFINITY;
    if (low > rdtsc_exits_ns || (low > rdtsc_stays_ns && low > share))
        return EXIT_ANSWER_YES;
    return high < rdtsc_stays_ns ? EXIT_ANSWER_NO : EXIT_ANSWER_UNKNOWN;
}

static void judge_rdtsc(const struct exit_cost_input *input, struct exit_cost *out)
{
    out->rdtsc = EXIT_ANSWER_UNKNOWN;
    if (!is_measured(&input->rdtsc)) {
        say_missing(out->rdtsc_reason, input->no_rdtsc,
            "the price of reading the time-stamp counter was not measured");
        return;
    }
    if (is_emulated(input)) {
        say(out->rdtsc_reason, "the processor is emulated in software (%s)", input->guest_of);
        return;
    }
    bool cpuid_exits = is_measured(&input->cpuid) && low_of(&input->cpuid) >= exits_ns;
    out->rdtsc = rdtsc_answer(input, cpuid_exits);
    static const char *const texts[] = {
        [EXIT_ANSWER_UNKNOWN] =
            "reading it takes %.1f ns (%.1f to %.1f), more than an instruction that stays "
            "(up to 100) and less than one that leaves (300)",
        [EXIT_ANSWER_NO] = "reading it takes %.1f ns (%.1f to %.1f): it stays in the processor",
        [EXIT_ANSWER_YES] = "reading it takes %.1f ns (%.1f to %.1f): every reading leaves this machine",
    };
    snprintf(out->rdtsc_reason, sizeof out->rdtsc_reason, texts[out->rdtsc], input->rdtsc.value,
        low_of(&input->rdtsc), high_of(&input->rdtsc));
}

/* ---- the clock ---- */

static void judge_clock(const struct exit_cost_input *input, struct exit_cost *out)
{
    out->clock_slow = EXIT_ANSWER_UNKNOWN;
    if (!is_measured(&input->clock_vdso) || !is_measured(&input->clock_syscall)) {
        say_missing(out->clock_reason, input->no_clock, "the price of reading the clock was not measured");
        return;
    }
    double low = low_of(&input->clock_vdso) / high_of(&input->clock_syscall);
    double high = high_of(&input->clock_vdso) / low_of(&input->clock_syscall);
    const char *source = input->clock_source ? input->clock_source : "unknown";
    double fast = input->clock_vdso.value, slow = input->clock_syscall.value;
    if (low > clock_slow_share) {
        out->clock_slow = EXIT_ANSWER_YES;
        say(out->clock_reason,
            "the C library takes %.0f ns, as a system call does (%.0f ns): the vDSO is not used or cannot "
            "read "
            "the clock source %.32s",
            fast, slow, source);
    } else if (high < clock_fast_share) {
        out->clock_slow = EXIT_ANSWER_NO;
        say(out->clock_reason,
            "the C library takes %.0f ns, a system call %.0f ns: it reads the clock source %.32s by itself",
            fast, slow, source);
    } else {
        say(out->clock_reason,
            "the C library takes %.0f ns, a system call %.0f ns: too close to tell, with the clock source "
            "%.32s",
            fast, slow, source);
    }
}

void exit_cost_judge(const struct exit_cost_input *input, struct exit_cost *out)
{
    *out = (struct exit_cost){.hidden = false};
    judge_cpuid(input, out);
    judge_rdtsc(input, out);
    judge_clock(input, out);
}

/* ---- findings ---- */

static struct finding base_finding(
    const char *name, enum finding_section section, const char *title, const char *how, const char *reason)
{
    struct finding finding = {
        .section = section,
        .title = title,
        .source = FINDING_JUDGED,
        .unit = UNIT_YES_NO,
        .number = NAN,
        .low = NAN,
        .high = NAN,
    };
    snprintf(finding.name, sizeof finding.name, "%s", name);
    snprintf(finding.how, sizeof finding.how, "%s", how);
    snprintf(finding.sure, sizeof finding.sure, "%s", reason);
    finding.value = fact_unknown("%.159s", reason);
    return finding;
}

static void answer(struct finding *finding, enum exit_answer found)
{
    if (found == EXIT_ANSWER_UNKNOWN)
        return;
    finding->value = fact_known("%s", found == EXIT_ANSWER_YES ? "yes" : "no");
    finding->number = found == EXIT_ANSWER_YES;
}

struct finding exit_cost_cpuid_finding(const struct exit_cost *cost)
{
    struct finding finding = base_finding("cpuid-exit", FINDING_BELOW, "CPUID leaves this machine",
        "the price of CPUID, against published prices of leaving a guest", cost->cpuid_reason);
    if (cost->cpuid == EXIT_UNKNOWN)
        return finding;
    bool leaves = cost->cpuid != EXIT_NONE;
    finding.value = fact_known("%s%s", leaves ? "yes, " : "", exit_verdict_name(cost->cpuid));
    finding.number = leaves;
    return finding;
}

struct finding exit_cost_rdtsc_finding(const struct exit_cost *cost)
{
    struct finding finding = base_finding("rdtsc-exit", FINDING_BELOW, "RDTSC leaves this machine",
        "the price of RDTSC, and CPUID's beside it", cost->rdtsc_reason);
    answer(&finding, cost->rdtsc);
    return finding;
}

struct finding exit_cost_clock_finding(const struct exit_cost *cost)
{
    struct finding finding = base_finding("clock-slow", FINDING_CLOCK, "the clock is read by system call",
        "clock_gettime() as the C library does it, against the system call", cost->clock_reason);
    answer(&finding, cost->clock_slow);
    return finding;
}
