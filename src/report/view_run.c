#include "report/view_parts.h"

#include <string.h>

/* Brand strings are padded with blanks. */
static const char *cpu_name(const struct result *result, struct document *doc)
{
    const struct fact *brand = &result->host.cpu.brand;
    const char *from = brand->known && brand->text[0] ? brand->text : result->host.cpu.vendor;
    struct listing words = {.doc = doc, .between = " "};
    for (size_t length; *(from += strspn(from, " ")); from += length) {
        length = strcspn(from, " ");
        listing_add(&words, "%.*s", (int)length, from);
    }
    return words.count ? words.text : "unnamed CPU";
}

/* The first cell of each simulated machine, one after the other; NULL: there is no further one. */
static const struct result_cell *next_modelled(const struct result *result, const struct result_cell *cell)
{
    const struct result_cell *end = result->cells + result->cell_count, *other;
    for (cell = cell ? cell + 1 : result->cells; cell < end; cell++) {
        for (other = result->cells; other < cell; other++)
            if (cell_modelled(other) && cell_modelled(cell) &&
                !strcmp(other->modelled.machine, cell->modelled.machine))
                break;
        if (other == cell && cell_modelled(cell))
            return cell;
    }
    return NULL;
}

/* "barcelona, core2-merom" */
static const char *machines_of(const struct result *result, struct document *doc)
{
    struct listing names = {.doc = doc, .between = ", "};
    for (const struct result_cell *cell = NULL; (cell = next_modelled(result, cell));)
        listing_add(&names, "%s", cell->modelled.machine);
    return listing_text(&names);
}

/* What is simulated, so that a reader can find the very file again. */
static void say_modelled(const struct result *result, struct document *doc)
{
    for (const struct result_cell *cell = NULL; (cell = next_modelled(result, cell));) {
        const struct result_modelled *modelled = &cell->modelled;
        document_say(doc, BLOCK_FACT, "Modelled: %s is %s, %u, at %g GHz; %s, SHA-256 %.12s….",
            modelled->machine, modelled->summary, modelled->year, modelled->ghz, modelled->file,
            modelled->sha256);
        if (modelled->conditions)
            document_say(doc, BLOCK_FACT, "Simulated with: %s.", modelled->conditions);
    }
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (!cell->modelled.hypothetical)
            continue;
        document_say(doc, BLOCK_FACT,
            "Hypothetical: %s has no %s paging; its figures are those of a machine that had it, without walk "
            "caches for the second dimension.",
            cell->modelled.machine, technique_name(cell->technique));
        return;
    }
}

void view_run_title(const struct result *result, struct document *doc)
{
    const char *reason = result->incomplete_reason;
    doc->title =
        result_modelled(result)
            ? document_text(doc, "vcost %s, modelled: %s", result->experiment, machines_of(result, doc))
            : document_text(doc, "vcost %s on %s", result->experiment, cpu_name(result, doc));
    if (!result->complete)
        doc->stamp = document_text(doc, "incomplete%s%s", reason[0] ? ": " : "", reason);
}

const char *view_run_incomplete(const struct result *result, struct document *doc)
{
    return result->complete ? "" : document_text(doc, " (%s)", doc->stamp);
}

static bool ran_on(const struct result *result, const char *monitor)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (!strcmp(result->cells[i].cell.monitor, monitor))
            return true;
    return false;
}

static void say_changes(const struct result *result, struct document *doc)
{
    for (size_t i = 0; i < result->change_count; i++) {
        char phrase[RESULT_CHANGE_BYTES];
        result_change_phrase(&result->changes[i], phrase);
        document_say(doc, BLOCK_NOTE, "Changed while this was measured: %s.", phrase);
    }
}

void view_run_machine(const struct result *result, struct document *doc)
{
    static const char *const ways[] = {[TECHNIQUE_NESTED] = " with nested paging",
        [TECHNIQUE_SHADOW] = " with shadow paging",
        [TECHNIQUE_DIRECT] = " with direct paging",
        [TECHNIQUE_AGILE] = " with agile paging",
        [TECHNIQUE_UNKNOWN] = NULL};
    const struct monitor_facts *kvm = result_monitor(result, "kvm");
    struct listing guests = {.doc = doc, .between = ", "};
    for (size_t i = 0; i < result->monitor_count; i++) {
        const struct monitor_facts *monitor = &result->monitors[i];
        const char *way = ways[monitor->technique];
        if (monitor->usable && ran_on(result, monitor->name))
            listing_add(&guests, "%s%s%s", monitor == kvm ? "KVM" : monitor->name, way ? way : "",
                monitor->provider.known && !strcmp(monitor->provider.text, "kvm_pvm") ? " (PVM)" : "");
    }
    say_modelled(result, doc);
    if (result_modelled(result))
        return;
    document_say(doc, BLOCK_FACT, guests.count ? "Guest: %s. " : "%s", listing_text(&guests));
    view_add(doc, "CPU: %s.", cpu_name(result, doc));
    if (result->host.kernel.known)
        view_add(doc, " Linux %s.", result->host.kernel.text);
    for (size_t i = 0; i < result->agent_count; i++) {
        const struct agent_facts *facts = &result->agents[i].facts;
        document_say(doc, BLOCK_FACT, "%s: %s", result->agents[i].monitor,
            facts->brand.known ? facts->brand.text : "unknown CPU");
        if (facts->kernel.known)
            view_add(doc, ", Linux %s", facts->kernel.text);
        if (facts->is_guest)
            view_add(doc, ", a guest of %s",
                facts->guest_of.known ? facts->guest_of.text : "an unknown hypervisor");
        view_add(doc, ".");
    }
    if (result->clock_doubt[0])
        document_say(doc, BLOCK_FACT, "%s.", result->clock_doubt);
    if (kvm && !kvm->usable && kvm->reason[0] && !ran_on(result, "kvm") && !result->advice.count)
        document_say(doc, BLOCK_FACT, "KVM cannot be used here: %s%s", kvm->reason,
            kvm->reason[strlen(kvm->reason) - 1] == '.' ? "" : ".");
    say_changes(result, doc);
}

const char *view_run_guest(const struct result *result, struct document *doc)
{
    static const char *const hypervisors[][2] = {{"kvm", "KVM"}, {"tcg", "QEMU (TCG)"}, {"vmware", "VMware"},
        {"hyperv", "Hyper-V"}, {"xen", "Xen"}, {"bochs", "Bochs"}};
    const struct fact *below = &result->host.guest_of;
    const char *name = below->text;
    if (!result->host.is_guest || result_modelled(result))
        return NULL;
    if (!below->known || !name[0])
        return "guest of an unnamed hypervisor";
    for (size_t i = 0; i < sizeof hypervisors / sizeof *hypervisors; i++)
        if (!strcmp(below->text, hypervisors[i][0]))
            name = hypervisors[i][1];
    return document_text(doc, "%s guest", name);
}

void view_run_below(const struct result *result, struct document *doc)
{
    const char *guest = view_run_guest(result, doc);
    if (guest)
        document_say(doc, BLOCK_FACT, "This machine is itself a %s, so what lies below it is %s.", guest,
            result->comparison_count ? "in both sides" : "in every figure");
}
