#include "report/reach_sentences.h"

#include "report/marks.h"
#include "report/text.h"

enum { SIZE_BYTES = 96, PART_BYTES = 320, PARAGRAPH_BYTES = 2048 };

/* A reach that ends so many times below what is told is said to be a part of it: closer ones may be so
 * because a curve has few points, and because caches with random sets miss before they are full. */
static const double part_factor = 2;

/* "32 KiB", "64 entries (256 KiB)" */
static void size_text(uint64_t bytes, uint64_t entries, char text[static SIZE_BYTES])
{
    if (entries)
        snprintf(
            text, SIZE_BYTES, "%.24s entries (%.24s)", format_count(entries).text, format_size(bytes).text);
    else
        snprintf(text, SIZE_BYTES, "%.24s", format_size(bytes).text);
}

/* "L1d up to 32 KiB (CPUID says 32 KiB)", "L3 up to 5.66 MiB of the 32 MiB that CPUID says" */
static void named_part(const struct result_reach *reach, char part[static PART_BYTES])
{
    char measured[SIZE_BYTES], told[SIZE_BYTES];
    bool less = (double)reach->to_bytes * part_factor < (double)reach->told_bytes;
    size_text(reach->from_bytes, reach->from_entries, measured);
    size_text(reach->told_bytes, reach->told_entries, told);
    snprintf(part, PART_BYTES, less ? "%s up to %s of the %s that CPUID says" : "%s up to %s (CPUID says %s)",
        reach->name, measured, told);
}

/* "a step after 256 MiB, from 186 to 312 ns, that nothing in CPUID explains" */
static void unnamed_part(const struct result_reach *reach, char part[static PART_BYTES])
{
    char measured[SIZE_BYTES];
    size_text(reach->from_bytes, reach->from_entries, measured);
    snprintf(part, PART_BYTES, "a step%s after %s, from %.24s to %.24s ns, that nothing in CPUID explains",
        reach->kind == REACH_TLB ? " of address translation" : "", measured, format_ns(reach->below_ns).text,
        format_ns(reach->above_ns).text);
}

int reach_sentences_write(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct marks marks;
    char paragraph[PARAGRAPH_BYTES], part[PART_BYTES];
    (void)error; /* as every writer: today nothing can fail but the stream */
    marks_make(result, curves, &marks);
    if (!marks.measured_count)
        return 0;
    size_t used = (size_t)snprintf(paragraph, sizeof paragraph, "Measured in %s: ", marks.curve->name);
    for (size_t i = 0; i < marks.measured_count && used + PART_BYTES + 4 < sizeof paragraph; i++) {
        const struct result_reach *reach = marks.measured[i].reach;
        (reach->name[0] ? named_part : unnamed_part)(reach, part);
        used += (size_t)snprintf(paragraph + used, sizeof paragraph - used, "%s%s", i ? "; " : "", part);
    }
    snprintf(paragraph + used, sizeof paragraph - used, ".");
    text_paragraph(stream, "", paragraph, style);
    fputc('\n', stream);
    return 0;
}
