#include "report/findings_tripped.h"

#include "report/finding_text.h"
#include "report/text.h"

#include <stdio.h>

void tripped_sentence(
    const struct tripping *tripping, const struct report_style *style, char text[static TRIPPED_TEXT_BYTES])
{
    const struct finding *finding = tripping->finding;
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES], value[FINDING_VALUE_BYTES];
    char interval[FINDING_VALUE_BYTES], raw[TRIPPED_TEXT_BYTES / 2];
    finding_label(finding, label);
    finding_value(finding, style, value);
    finding_interval(finding, style, interval);
    if (tripping->unknown)
        snprintf(raw, sizeof raw, "%.120s: %s cannot be told here: %.160s", tripping->threshold->text, label,
            finding->value.known ? "its number is none" : finding->value.text);
    else
        snprintf(raw, sizeof raw, "%.120s: %s is %.160s%s%.100s%s", tripping->threshold->text, label, value,
            interval[0] ? " (interval " : "", interval, interval[0] ? ")" : "");
    text_clean(raw, style->utf8 ? TEXT_UTF8 : TEXT_ASCII, text, TRIPPED_TEXT_BYTES);
}
