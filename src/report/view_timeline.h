/* What a migration, a save or a restore has cost the program: sentences, a table, and the pictures of its
 * timeline. */
#ifndef VCOST_REPORT_VIEW_TIMELINE_H
#define VCOST_REPORT_VIEW_TIMELINE_H

#include "domain/timeline/told.h"
#include "report/document.h"

/* The numbers as sentences, and as a table. `unit` is of its work: "hops". */
void view_costs(const struct timeline_costs *costs, enum timeline_kind kind, struct document *document);
void view_costs_table(
    const struct timeline_costs *costs, enum timeline_kind kind, const char *unit, struct document *document);

/* All of a save or restore, whose picture is a document of its own. */
void view_timeline_alone(const struct timeline_told *told, struct document *document);

/* The pictures; *told outlives the document. */
void view_timeline(const struct timeline_told *told, struct document *document);

#endif
