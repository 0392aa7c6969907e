/* What the tables of a machine's file have in common. */
#include "model/machine_checks.h"

#include <string.h>

/* ---- sources ---- */

static const struct field source_fields[] = {
    {"field", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct machine_source, field)},
    {"source", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct machine_source, source)},
};
const struct record machine_source_record = {
    "source", sizeof(struct machine_source), RECORD_FIELDS(source_fields)};

/* A figure, in whatever form: what needs a source. */
bool machine_is_figure(const struct field *field)
{
    return field->kind == FIELD_COUNT || field->kind == FIELD_REAL || field->kind == FIELD_FLAG ||
           field->kind == FIELD_ENUM || (field->kind == FIELD_LIST && !field->of->fields[0].name);
}

static bool has_source(const struct machine_sources *sources, const char *name)
{
    for (size_t i = 0; i < sources->count; i++)
        if (!strcmp(sources->items[i].field, name))
            return true;
    return false;
}

/* The number of its figures. Each must have a source. */
static size_t check_figures(
    struct reader *reader, const struct record *record, const struct machine_sources *sources)
{
    size_t figures = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_FIELDS)
            figures += check_figures(reader, field->of, sources);
        else if (machine_is_figure(field)) {
            figures++;
            if (!has_source(sources, field->name))
                reader_refuse_key(reader, field->name, "has no source in its object's sources");
        }
    }
    return figures;
}

void machine_check_sources(
    struct reader *reader, const struct record *record, const struct machine_sources *sources)
{
    if (check_figures(reader, record, sources) != sources->count)
        reader_refuse_key(reader, "sources", "names something that is no figure of its object");
}

/* ---- what several have ---- */

void machine_check_most(
    struct reader *reader, const char *name, uint64_t value, uint64_t least, uint64_t most)
{
    if (value < least || value > most)
        reader_refuse_key(reader, name, "is %llu and should be from %llu to %llu", (unsigned long long)value,
            (unsigned long long)least, (unsigned long long)most);
}

void machine_check_cycles(struct reader *reader, const char *name, unsigned cycles)
{
    machine_check_most(reader, name, cycles, 0, MACHINE_CYCLES_MAX);
}

/* `entries` by any name: what there is to share among the ways. */
void machine_check_ways(
    struct reader *reader, const char *name, uint64_t entries, unsigned ways, enum machine_index index)
{
    machine_check_most(reader, "ways", ways, 1, entries);
    if (ways && entries % ways)
        reader_refuse_key(reader, name, "is no multiple of its %u ways", ways);
    else if (ways && index != INDEX_HASH && (entries / ways & (entries / ways - 1)))
        reader_refuse_key(reader, name, "makes %llu sets, which is no power of two as the index \"%s\" needs",
            (unsigned long long)(entries / ways), machine_index_names[index]);
}
