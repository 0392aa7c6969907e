#include "report/finding_text.h"

#include "report/format.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void finding_title(const struct finding *finding, char title[static FINDING_VALUE_BYTES])
{
    bool key = finding->key[0];
    snprintf(title, FINDING_VALUE_BYTES, "%s%s%s%s", finding->title ? finding->title : finding->name,
        key ? " (" : "", finding->key, key ? ")" : "");
}

/* ---- numbers, by unit ---- */

/* A whole number that the formats for counts and sizes hold exactly. */
static bool is_whole(double number)
{
    return number >= 0 && number <= 0x1p53 && number == floor(number);
}

/* Three significant digits, and no zeros behind them. */
static struct formatted rounded(double number)
{
    double step = number == 0 ? 1 : pow(10, floor(log10(fabs(number))) - 2);
    return format_number_tick(step < 1 ? round(number / step) * step : number);
}

static struct formatted plain_number(double number)
{
    return is_whole(number) ? format_count((uint64_t)number) : rounded(number);
}

static struct formatted with_word(struct formatted number, const char *word)
{
    struct formatted out;
    snprintf(out.text, sizeof out.text, "%.30s %s", number.text, word);
    return out;
}

static struct formatted time_text(double number, const struct report_style *style)
{
    return number == 0 ? (struct formatted){"0 ns"} : format_time(number, style);
}

static struct formatted bytes_text(double number, const struct report_style *style)
{
    (void)style;
    if (number >= 0 && number <= 0x1p62)
        return format_size((uint64_t)llround(number));
    return with_word(format_number_tick(number), "B");
}

static struct formatted count_text(double number, const struct report_style *style)
{
    (void)style;
    return plain_number(number);
}

static struct formatted share_text(double number, const struct report_style *style)
{
    (void)style;
    return with_word(rounded(100 * number), "%");
}

static struct formatted ratio_text(double number, const struct report_style *style)
{
    (void)style;
    return with_word(plain_number(number), "times");
}

static struct formatted yes_no_text(double number, const struct report_style *style)
{
    (void)style;
    return number > 0 ? (struct formatted){"yes"} : (struct formatted){"no"};
}

static struct formatted (*const numbers[UNITS])(double number, const struct report_style *style) = {
    [UNIT_YES_NO] = yes_no_text,
    [UNIT_NS] = time_text,
    [UNIT_BYTES] = bytes_text,
    [UNIT_COUNT] = count_text,
    [UNIT_SHARE] = share_text,
    [UNIT_RATIO] = ratio_text,
    [UNIT_CHANGE] = ratio_text,
};

void finding_number(
    enum unit unit, double number, const struct report_style *style, char text[static FINDING_VALUE_BYTES])
{
    bool has = numbers[unit] && isfinite(number);
    snprintf(text, FINDING_VALUE_BYTES, "%s", has ? numbers[unit](number, style).text : "-");
}

/* ---- values ---- */

static bool starts_with_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return !strncasecmp(text, word, length) && !isalnum((unsigned char)text[length]);
}

/* "partly" stands in the place of "yes", and "no: what there is instead" says it itself; other words are more
 * to it. */
static bool stands_alone(const struct finding *finding, const char *number)
{
    const char *text = finding->value.text;
    return finding->unit == UNIT_TEXT ||
           (finding->unit == UNIT_YES_NO &&
               (starts_with_word(text, "partly") || starts_with_word(text, number)));
}

void finding_value(
    const struct finding *finding, const struct report_style *style, char text[static FINDING_VALUE_BYTES])
{
    const char *words = finding->value.text;
    char number[FINDING_VALUE_BYTES];
    finding_number(finding->unit, finding->number, style, number);
    if (!finding->value.known)
        snprintf(text, FINDING_VALUE_BYTES, "cannot tell: %s", words[0] ? words : "no reason is told");
    else if (stands_alone(finding, number))
        snprintf(text, FINDING_VALUE_BYTES, "%s", words[0] ? words : "-");
    else
        snprintf(text, FINDING_VALUE_BYTES, "%.64s%s%s%s", number, words[0] ? " (" : "", words,
            words[0] ? ")" : "");
}

void finding_interval(
    const struct finding *finding, const struct report_style *style, char text[static FINDING_VALUE_BYTES])
{
    char low[FINDING_VALUE_BYTES], high[FINDING_VALUE_BYTES];
    text[0] = 0;
    if (!finding_has_number(finding) || finding->unit == UNIT_YES_NO || !isfinite(finding->low) ||
        !isfinite(finding->high))
        return;
    finding_number(finding->unit, finding->low, style, low);
    finding_number(finding->unit, finding->high, style, high);
    snprintf(text, FINDING_VALUE_BYTES, "%.64s %s %.64s", low, style_ellipsis(style), high);
}

void finding_remark(const struct finding *finding, char text[static FINDING_REMARK_BYTES])
{
    bool both = finding->how[0] && finding->sure[0];
    snprintf(text, FINDING_REMARK_BYTES, "%s%s%s", finding->how, both ? "; " : "", finding->sure);
}
