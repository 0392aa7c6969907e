/* Names of cells that stand in one table, as people have them: with what tells them apart and no more. */
#ifndef VCOST_REPORT_NAMING_H
#define VCOST_REPORT_NAMING_H

#include "report/document.h"
#include "result/compare.h"

enum name_part {
    PART_RUNNER,
    PART_ORDER,
    PART_EVENT,
    PART_SIZE,
    PART_ELEMENT,
    PART_WRITE,
    PART_CHAINS,
    PART_GUEST_PAGE,
    PART_HOST_PAGE,
    NAME_PARTS
};

/* Which parts the names of cells need: those that are not the same in all. */
struct naming {
    struct document *doc;
    const char *common[NAME_PARTS]; /* the first cell's; NULL: no cell yet */
    bool needed[NAME_PARTS];
};

/* Takes one more cell into account. */
void naming_add(struct naming *naming, const struct cell *cell);

/* Of all rows; texts are in the document's memory. */
struct naming naming_of_rows(struct document *doc, const struct compared_rows *rows);

/* "kvm, 64 KiB, guest pages 2M"; of no cell what is the same in all: "random, 64 B elements". */
const char *naming_text(const struct naming *naming, const struct cell *cell);

#endif
