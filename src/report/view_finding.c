#include "report/view_inspect.h"

#include "report/format.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static bool begins_with_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return !strncasecmp(text, word, length) && !isalnum((unsigned char)text[length]);
}

struct value finding_value(const struct finding *finding, struct pool *pool)
{
    const char *words = finding->value.text;
    struct value value = {.text = words, .number = NAN, .low = NAN, .high = NAN};
    bool yes_no = finding->unit == UNIT_YES_NO;
    if (!finding->value.known) {
        value.text = pool_format(pool, "cannot tell: %s", words[0] ? words : "no reason is given");
        value.tone = TONE_FAINT;
        return value;
    }
    /* "partly" stands in the place of "yes", and "no: what there is instead" says it itself; other words are
     * more to it. */
    if (finding->unit == UNIT_TEXT ||
        (yes_no && (begins_with_word(words, "partly") ||
                       begins_with_word(words, finding->number > 0 ? "yes" : "no"))))
        return value;
    return (struct value){.unit = finding->unit,
        .number = finding->number,
        .low = yes_no ? NAN : finding->low,
        .high = yes_no ? NAN : finding->high,
        .text = words[0] ? words : NULL};
}

const char *finding_phrase(const struct finding *finding, struct pool *pool)
{
    const struct value value = finding_value(finding, pool);
    return format_value(pool, &value, &(struct column){.unit = UNIT_TEXT});
}

const char *tripped_phrase(const struct tripping *tripping, struct pool *pool)
{
    const struct finding *finding = tripping->finding;
    const struct value value = finding_value(finding, pool);
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES];
    finding_label(finding, label);
    if (tripping->unknown)
        return pool_format(pool, "%s: %s is not known here: %s", tripping->threshold->text, label,
            finding->value.known ? "its number is none" : finding->value.text);
    const char *says =
        pool_format(pool, "%s: %s is %s", tripping->threshold->text, label, finding_phrase(finding, pool));
    return isfinite(value.low) && isfinite(value.high) ? pool_format(pool, "%s (interval %s … %s)", says,
                                                             format_figure(value.unit, value.low, 0).text,
                                                             format_figure(value.unit, value.high, 0).text)
                                                       : says;
}
