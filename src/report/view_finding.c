#include "report/view_finding.h"

#include "report/format.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

const char *finding_heading(const struct finding *finding, struct pool *pool)
{
    const char *title = finding->title ? finding->title : finding->name;
    return finding->key[0] ? pool_format(pool, "%s (%s)", title, finding->key) : title;
}

/* ---- numbers, by unit ---- */

/* Three significant digits, and no zeros behind them; whole numbers in full. */
static struct formatted plain(double number)
{
    if (number >= 0 && number <= 0x1p53 && number == floor(number))
        return format_count((uint64_t)number);
    double step = pow(10, floor(log10(fabs(number))) - 2);
    return format_number_tick(step < 1 ? round(number / step) * step : number);
}

const char *finding_number(enum unit unit, double number, struct pool *pool)
{
    if (!isfinite(number))
        return "-";
    switch (unit) {
    case UNIT_YES_NO:
        return number > 0 ? "yes" : "no";
    case UNIT_NS:
        return number == 0 ? "0 ns" : pool_text(pool, format_time(number, NULL).text);
    case UNIT_BYTES:
        return number >= 0 && number <= 0x1p62 ? pool_text(pool, format_size((uint64_t)llround(number)).text)
                                               : pool_format(pool, "%s B", format_number_tick(number).text);
    case UNIT_SHARE:
        return pool_format(pool, "%s %%", plain(100 * number).text);
    case UNIT_RATIO:
        return pool_format(pool, "%s times", plain(number).text);
    default:
        return pool_text(pool, plain(number).text);
    }
}

/* ---- values ---- */

static bool begins_with_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return !strncasecmp(text, word, length) && !isalnum((unsigned char)text[length]);
}

/* "partly" stands in the place of "yes", and "no: what there is instead" says it itself; other words are more
 * to it. */
static bool is_words_alone(const struct finding *finding)
{
    const char *words = finding->value.text;
    return finding->unit == UNIT_TEXT ||
           (finding->unit == UNIT_YES_NO && (begins_with_word(words, "partly") ||
                                                begins_with_word(words, finding->number > 0 ? "yes" : "no")));
}

void finding_fill(const struct finding *finding, struct value *value, struct pool *pool)
{
    const char *words = finding->value.text;
    value->unit = UNIT_TEXT;
    if (!finding->value.known) {
        value->text = pool_format(pool, "cannot tell: %s", words[0] ? words : "no reason is told");
        value->tone = TONE_FAINT;
    } else if (is_words_alone(finding)) {
        value->text = words;
    } else {
        value->unit = finding->unit;
        value->number = finding->number;
        value->low = finding->unit != UNIT_YES_NO ? finding->low : NAN;
        value->high = finding->unit != UNIT_YES_NO ? finding->high : NAN;
        value->text = words[0] ? words : NULL;
    }
}

const char *finding_phrase(const struct finding *finding, struct pool *pool)
{
    struct value value = {.number = NAN};
    finding_fill(finding, &value, pool);
    if (value.unit == UNIT_TEXT)
        return value.text;
    const char *number = finding_number(finding->unit, value.number, pool);
    return value.text ? pool_format(pool, "%s (%s)", number, value.text) : number;
}

const char *tripped_phrase(const struct tripping *tripping, struct pool *pool)
{
    const struct finding *finding = tripping->finding;
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES];
    finding_label(finding, label);
    if (tripping->unknown)
        return pool_format(pool, "%s: %s cannot be told here: %s", tripping->threshold->text, label,
            finding->value.known ? "its number is none" : finding->value.text);
    const char *interval = "";
    if (finding->unit != UNIT_YES_NO && isfinite(finding->low) && isfinite(finding->high))
        interval = pool_format(pool, " (interval %s … %s)", finding_number(finding->unit, finding->low, pool),
            finding_number(finding->unit, finding->high, pool));
    return pool_format(
        pool, "%s: %s is %s%s", tripping->threshold->text, label, finding_phrase(finding, pool), interval);
}
