#include "report/price_report.h"

#include "report/format.h"
#include "report/markdown_text.h"
#include "report/price_table.h"
#include "report/summary.h"
#include "report/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { DEAREST = 3 };

/* Whether the extra time is over native, or the guest's own where native has no such thing, and known to be
 * there. */
static bool is_dear(const struct price *price)
{
    return price->over[OVER_NATIVE].low > 0;
}

static void say_dearest(const struct prices *prices, FILE *stream, const struct report_style *style)
{
    char sentence[512];
    size_t used = 0, told = 0;
    for (size_t i = 0; i < prices->count && told < DEAREST; i++)
        if (is_dear(&prices->rows[i]))
            used += (size_t)snprintf(sentence + used, sizeof sentence - used, "%s%s (%s for each %s)",
                told++ ? ", " : "The dearest events in a guest here are ", prices->rows[i].name,
                format_extra(prices->rows[i].over[OVER_NATIVE].ns, style).text, prices->rows[i].event->unit);
    if (!told)
        return;
    snprintf(
        sentence + used, sizeof sentence - used, "; vcost events --explain EVENT tells why and what to do.");
    text_paragraph(stream, "", sentence, style);
}

static void say_free(const struct prices *prices, FILE *stream, const struct report_style *style)
{
    size_t compared = 0, same = 0;
    for (size_t i = 0; i < prices->count; i++) {
        const struct price_extra *extra = &prices->rows[i].over[OVER_NATIVE];
        bool both = extra->against && isfinite(extra->low);
        compared += both;
        same += both && extra->low <= 0 && extra->high >= 0;
    }
    char sentence[160];
    snprintf(sentence, sizeof sentence,
        "For %zu of %zu events that both have no difference from native can be told.", same, compared);
    if (compared)
        text_paragraph(stream, "", sentence, style);
}

static void say_all(
    const struct result *result, const struct prices *prices, FILE *stream, const struct report_style *style)
{
    say_dearest(prices, stream, style);
    say_free(prices, stream, style);
    summary_run(result, stream, style);
}

int price_report_write(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error)
{
    struct prices prices;
    int rc = prices_from_result(result, &prices, error);
    if (rc < 0)
        return rc;
    rc = price_table_write(&prices, stream, style, error);
    if (rc == 0)
        say_all(result, &prices, stream, style);
    prices_free(&prices);
    return rc;
}

static int markdown_sentences(
    const struct result *result, const struct prices *prices, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_errno(error, errno, "cannot write the summary");
    say_all(result, prices, memory, &markdown_style);
    int rc = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to write the summary") : 0;
    if (rc == 0)
        markdown_items(stream, text);
    free(text);
    return rc;
}

int price_report_markdown(const struct result *result, FILE *stream, struct error *error)
{
    struct prices prices;
    int rc = prices_from_result(result, &prices, error);
    if (rc < 0)
        return rc;
    rc = price_markdown_write(&prices, stream, error);
    if (rc == 0)
        rc = markdown_sentences(result, &prices, stream, error);
    prices_free(&prices);
    return rc;
}
