#include "report/view_events.h"

#include "report/view_linked.h"
#include "report/views.h"

#include <math.h>
#include <string.h>

static const char *cell_text(struct document *doc, const struct result_cell *cell)
{
    return view_time(doc, cell->median, cell->low, cell->high, false);
}

static const char *extra_text(struct document *doc, const struct price *price, bool sign)
{
    const struct price_extra *extra = &price->over[OVER_NATIVE];
    return view_time(doc, extra->ns, extra->low, extra->high, sign);
}

/* Of which of several guests it is the price. */
static const char *whose(const struct price_list *prices, const struct price *price, struct document *doc)
{
    return prices->several ? document_text(doc, " (%s)", price->who) : "";
}

/* What leaves the guest for the monitor's process or, where none of these was measured, for its kernel. */
static const struct price *find_leaving(const struct price_list *prices)
{
    static const char *const leaving[] = {
        "pio-user", "mmio-user", "in", "mmio-read", "hypercall", "pio-kernel", "mmio-kernel"};
    const struct price *price = NULL;
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving && !price; i++)
        price = price_find(prices, leaving[i], PRICE_COSTS_MORE);
    return price;
}

/* Of operations that both can do and that hardly ever leave the guest, judged together. */
static const char *staying_text(const struct price_list *prices)
{
    enum { FEWEST = 5 }; /* fewer stand for nothing but themselves */
    static const double next_to_nothing = 1.05;
    double most;
    struct ratios ratios = price_ratios(prices, PRICE_STAYS_INSIDE, &most);
    if (ratios.all < FEWEST)
        return NULL;
    if (ratios_disturbed(&ratios))
        return "whether what stays inside costs anything this run cannot tell";
    if (!ratios_slower(&ratios))
        return "what stays inside costs nothing measurable";
    if (most <= next_to_nothing)
        return "what stays inside costs next to nothing";
    return 5 * ratios.slower <= ratios.all ? "most of what stays inside costs nothing measurable"
                                           : "some of what stays inside costs more as well";
}

/* Whether it surely costs more than all others. */
static bool is_dearest(const struct price_list *prices, const struct price *first)
{
    double next = 0;
    for (const struct price *price = NULL; (price = price_next(prices, price, PRICE_MEASURED));)
        if (price != first && (price->flags & PRICE_LEADS || !(price->flags & PRICE_COSTS_MORE)))
            next = fmax(next, price->over[OVER_NATIVE].high);
    return first->over[OVER_NATIVE].low > next;
}

/* What is known of guests' prices, or of native's where none of these is. */
static const char *conclusion_text(
    const struct result *result, const struct price_list *prices, struct document *doc)
{
    const struct price *leave = find_leaving(prices);
    const struct price *first = price_next(prices, NULL, PRICE_LEADS); /* the most expensive one */
    const struct price *fault = price_find(prices, "page-fault", PRICE_COMPARED | PRICE_COSTS_MORE);
    const char *staying = staying_text(prices), *pages = linked_conclusion(result, doc);
    struct listing list = {.doc = doc, .between = "; "};
    size_t count = price_count(prices, PRICE_MEASURED);
    if (!count)
        return "no operation was measured";
    if (!price_count(prices, PRICE_IN_GUEST))
        return document_text(doc, "%zu operation%s measured natively; what a guest adds %s", count,
            count == 1 ? " was" : "s were", prices->guest ? "could not be measured" : "was not measured");
    if (leave && fault)
        listing_add(&list, "leaving the guest%s costs %s here, a page fault%s %s more than native",
            whose(prices, leave, doc), extra_text(doc, leave, false), whose(prices, fault, doc),
            extra_text(doc, fault, false));
    else if (leave)
        listing_add(&list, "leaving the guest%s costs %s here", whose(prices, leave, doc),
            extra_text(doc, leave, false));
    else if (fault)
        listing_add(
            &list, "a page fault %s costs %s more than native", fault->where, extra_text(doc, fault, false));
    else if (!pages && first)
        listing_add(&list, "%s here is %s: %s more %s than natively",
            is_dearest(prices, first) ? "the most expensive operation"
                                      : "one of the most expensive operations",
            first->name, extra_text(doc, first, false), first->where);
    else if (!pages && !staying)
        return document_text(doc, "no operation that was measured costs significantly more %s",
            prices->elsewhere ? "there" : "in the guest here");
    if (pages)
        listing_add(&list, "%s", pages);
    if (staying)
        listing_add(&list, "%s", staying);
    return listing_text(&list);
}

static void conclude(const struct result *result, const struct price_list *prices, struct document *doc)
{
    double most;
    struct ratios ratios = price_ratios(prices, PRICE_COMPARED, &most);
    ratios.all +=
        price_count(prices, PRICE_COSTS_MORE) - price_count(prices, PRICE_COSTS_MORE | PRICE_COMPARED);
    const char *incomplete = view_run_incomplete(result, doc);
    if (!ratios_disturbed(&ratios)) {
        document_say(doc, BLOCK_CONCLUSION, "%s%s.", view_capital(doc, conclusion_text(result, prices, doc)),
            incomplete);
        return;
    }
    document_say(doc, BLOCK_CONCLUSION, "This run was too disturbed to tell what operations cost %s%s: %s.",
        prices->elsewhere ? "there" : "in a guest", incomplete, view_run_blame(result, doc));
    if (!doc->stamp)
        doc->stamp = "too disturbed to tell";
}

/* ---- the facts ---- */

/* What a page fault takes, and the first touch of a large page. */
static void say_memory(const struct price_list *prices, struct document *doc)
{
    const struct price *fault = price_find(prices, "page-fault", PRICE_MEASURED);
    const struct price *fresh = price_find(prices, "first-touch-2m-fresh", PRICE_MEASURED),
                       *recycled = price_find(prices, "first-touch-2m", PRICE_MEASURED);
    struct listing times = {.doc = doc, .between = ", "}, said = {.doc = doc, .between = " "};
    if (fault && price_is_shown(fault->guest))
        listing_add(&times, "%s %s", cell_text(doc, fault->guest), fault->where);
    if (fault && price_is_shown(fault->native))
        listing_add(&times, "%s natively", cell_text(doc, fault->native));
    if (fault)
        listing_add(&said, "A page fault: %s.", listing_text(&times));
    if (fresh && recycled && !strcmp(fresh->cell->cell.monitor, recycled->cell->cell.monitor)) {
        bool differs = fresh->over[OVER_EVENT].low > 0;
        listing_add(&said, "First touch of a 2 MiB page %s: %s%s%s.",
            fresh->cell == fresh->native ? "natively" : fresh->where, cell_text(doc, recycled->cell),
            differs ? ", of a fresh one " : ", fresh or not", differs ? cell_text(doc, fresh->cell) : "");
    }
    if (said.count)
        document_say(doc, BLOCK_FACT, "%s", said.text);
}

/* The size at which touching warm pages again after an exit takes how many times as long as without. */
static void say_after_exit(const struct result *result, const struct price_list *prices, struct document *doc)
{
    const struct result_comparison *most = NULL;
    for (const struct price *price = NULL; (price = price_next(prices, price, PRICE_IN_GUEST));) {
        const struct price_extra *extra = &price->over[OVER_EVENT];
        if (!strcmp(price->event, "retouch-pages-exit") && extra->low > 0 &&
            cell_measured(&result->cells[extra->against->baseline]) &&
            (!most || extra->against->ratio > most->ratio))
            most = extra->against;
    }
    if (!most)
        return;
    const struct result_cell *cell = &result->cells[most->cell], *before = &result->cells[most->baseline];
    document_say(doc, BLOCK_FACT,
        "After an exit, touching %llu warm pages takes %s instead of %s: TLB and caches are cold.",
        (unsigned long long)(workload_size(&cell->cell.workload) / 4096), cell_text(doc, cell),
        cell_text(doc, before));
}

static void say_facts(const struct result *result, const struct price_list *prices, struct document *doc)
{
    struct listing list = {.doc = doc, .between = ", "};
    size_t compared = price_count(prices, PRICE_COMPARED),
           more = price_count(prices, PRICE_COMPARED | PRICE_COSTS_MORE),
           less = price_count(prices, PRICE_COMPARED | PRICE_COSTS_LESS);
    const struct price *fresh = price_find(prices, "first-touch-2m-fresh", 0);
    bool leave = find_leaving(prices), touch = price_find(prices, "page-fault", PRICE_COSTS_MORE) ||
                                               (fresh && fresh->over[OVER_EVENT].low > 0);
    for (const struct price *price = NULL; (price = price_next(prices, price, PRICE_LEADS));)
        if (list.count < 4)
            listing_add(&list, "%s %s", price->name, extra_text(doc, price, true));
    if (list.count)
        document_say(doc, BLOCK_FACT, "Most expensive relative to native: %s.", list.text);
    say_memory(prices, doc);
    say_after_exit(result, prices, doc);
    linked_say(result, doc);
    if (compared)
        document_say(doc, BLOCK_FACT,
            "Of %zu operation%s that both can do, %zu show no significant difference, %zu cost more, %zu "
            "less.",
            compared, compared == 1 ? "" : "s", compared - more - less, more, less);
    view_run_below(result, doc);
    if (leave || touch)
        document_say(doc, BLOCK_FACT, "What to do: %s%s%s. vcost events --explain NAME says more.",
            leave ? "fewer exits (batch I/O, poll instead of sleep)" : "", leave && touch ? ", " : "",
            touch ? "touch memory once and keep it" : "");
}

void view_events(const struct result *result, struct document *doc)
{
    struct price_list prices = price_list_of(result, &doc->pool);
    view_run_title(result, doc);
    price_sort(&prices, OVER_NATIVE);
    conclude(result, &prices, doc);
    view_run_machine(result, doc);
    say_facts(result, &prices, doc);
    view_run_today(result, doc);
    prices_add_tables(result, &prices, doc);
    linked_add_table(result, doc);
    price_sort(&prices, OVER_NATIVE);
    linked_add_chart(result, doc);
    prices_add_bars(&prices, doc);
    prices_add_notes(&prices, doc);
    view_run_method(result, doc);
    view_run_cells(result, doc);
}
