#include "report/view_inspect.h"

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
        value->text = pool_format(pool, "cannot tell: %s", words[0] ? words : "no reason is given");
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
    static const struct column column = {.unit = UNIT_TEXT};
    return format_value(pool, &value, &column);
}

const char *tripped_phrase(const struct tripping *tripping, struct pool *pool)
{
    const struct finding *finding = tripping->finding;
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES];
    finding_label(finding, label);
    if (tripping->unknown)
        return pool_format(pool, "%s: %s is not known here: %s", tripping->threshold->text, label,
            finding->value.known ? "its number is none" : finding->value.text);
    const char *interval = "";
    if (finding->unit != UNIT_YES_NO && isfinite(finding->low) && isfinite(finding->high))
        interval =
            pool_format(pool, " (interval %s … %s)", format_figure(finding->unit, finding->low, 0).text,
                format_figure(finding->unit, finding->high, 0).text);
    return pool_format(
        pool, "%s: %s is %s%s", tripping->threshold->text, label, finding_phrase(finding, pool), interval);
}
