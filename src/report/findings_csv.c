#include "report/findings_csv.h"

#include "report/csv.h"

#include <math.h>

enum { NUMBER_BYTES = 32 };

static const char *number(double value, char text[static NUMBER_BYTES])
{
    text[0] = 0;
    if (isfinite(value))
        snprintf(text, NUMBER_BYTES, "%.15g", value);
    return text;
}

static const char *value_of(const struct finding *finding, char text[static NUMBER_BYTES])
{
    if (finding->unit == UNIT_TEXT)
        return finding->value.known ? finding->value.text : "";
    if (!finding_has_number(finding))
        return "";
    if (finding->unit == UNIT_YES_NO)
        return finding->number > 0 ? "true" : "false";
    return number(finding->number, text);
}

static const char *reason_of(const struct finding *finding)
{
    if (!finding->value.known)
        return finding->value.text[0] ? finding->value.text : "not told";
    return finding->unit == UNIT_TEXT || finding_has_number(finding) ? "" : "its number is none";
}

static void write_line(const struct finding *finding, FILE *stream)
{
    char value[NUMBER_BYTES], low[NUMBER_BYTES], high[NUMBER_BYTES];
    bool has = finding_has_number(finding);
    const char *const fields[] = {
        finding->name,
        finding->key,
        finding_section_name(finding->section),
        finding_source_name(finding->source),
        unit_name(finding->unit),
        value_of(finding, value),
        number(has ? finding->low : NAN, low),
        number(has ? finding->high : NAN, high),
        reason_of(finding),
        finding->unit != UNIT_TEXT && has ? finding->value.text : "",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i)
            fputc(',', stream);
        csv_field(stream, fields[i]);
    }
    fputc('\n', stream);
}

void findings_csv_write(const struct findings *findings, FILE *stream)
{
    fputs("name,key,section,source,unit,value,low,high,reason,text\n", stream);
    for (size_t i = 0; i < findings->count; i++)
        write_line(&findings->items[i], stream);
}
