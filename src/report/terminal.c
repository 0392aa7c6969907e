#include "report/terminal.h"

#include "result/baseline.h"
#include "report/curves.h"
#include "report/plot.h"
#include "report/document.h"
#include "report/reach_sentences.h"
#include "report/summary.h"
#include "report/table.h"
#include "report/text.h"
#include "report/view_events.h"
#include "report/view_inspect.h"

#include <string.h>

/* "AMD EPYC 7B13, Linux 6.18.5, kvm (shadow, PVM); native here is itself a KVM guest" */
static void write_headline(const struct result *result, FILE *stream, const struct report_style *style)
{
    char cpu[BASELINE_BYTES], note[BASELINE_BYTES], label[48] = "", line[512];
    const struct fact *kernel = &result->host.kernel;
    baseline_cpu(&result->host, cpu);
    baseline_note(&result->host, note);
    const struct monitor_facts *kvm = result_monitor(result, "kvm");
    if (kvm && kvm->usable)
        monitor_label(kvm, "kvm", label);
    snprintf(line, sizeof line, "%s%s%s%s%s%s%s", cpu, kernel->known ? ", Linux " : "",
        kernel->known ? kernel->text : "", label[0] ? ", " : "", label, note[0] ? "; " : "", note);
    text_paragraph(stream, "", line, style);
}

/* "command:ssh guest vcost agent: AMD EPYC 7B13, Linux 6.1.0, guest of kvm", a line for each agent. */
static void write_agents(const struct result *result, FILE *stream, const struct report_style *style)
{
    for (size_t i = 0; i < result->agent_count; i++) {
        const struct agent_facts *facts = &result->agents[i].facts;
        char line[512];
        snprintf(line, sizeof line, "%s: %s%s%s%s%s", result->agents[i].monitor,
            facts->brand.known ? facts->brand.text : "unknown CPU", facts->kernel.known ? ", Linux " : "",
            facts->kernel.known ? facts->kernel.text : "", facts->is_guest ? ", guest of " : "",
            !facts->is_guest        ? ""
            : facts->guest_of.known ? facts->guest_of.text
                                    : "an unknown hypervisor");
        text_paragraph(stream, "", line, style);
    }
}

typedef int (*part)(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

static int write_curves(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error)
{
    static const part parts[] = {
        table_write, plot_slowdown, plot_latency, reach_sentences_write, summary_write};
    struct curves curves;
    int status = curves_from_result(result, &curves, error);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !status; i++)
        status = parts[i](result, &curves, stream, style, error);
    curves_free(&curves);
    return status;
}

bool terminal_is_viewed(const struct result *result)
{
    return strcmp(result->experiment, "chase") != 0;
}

int terminal_view(const struct result *result, const char *format, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct document document = {0};
    (strcmp(result->experiment, "inspect") ? view_events : view_inspect)(result, &document);
    int rc = document_write(&document, format_named(format), stream, style, error);
    document_free(&document);
    return rc;
}

int terminal_write(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error)
{
    if (terminal_is_viewed(result))
        return terminal_view(result, "terminal", stream, style, error);
    write_headline(result, stream, style);
    write_agents(result, stream, style);
    fputc('\n', stream);
    return write_curves(result, stream, style, error);
}
