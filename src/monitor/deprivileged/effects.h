/* What changes of table entries mean for the children that hold translations made of them: runs. Changes of
 * neighbouring entries of a table are gathered, so that what goes to each of its places is in one piece. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_EFFECTS_H
#define VCOST_MONITOR_DEPRIVILEGED_EFFECTS_H

#include "monitor/deprivileged/frames.h"
#include "monitor/deprivileged/run.h"

struct effects {
    struct frames *frames;
    struct run_list *runs;
    gpa_t table;
    unsigned level, first, count;
    uint64_t old[TABLE_ENTRIES], now[TABLE_ENTRIES];
};

/* The entry at `where` was changed. Until effects_end() no link may change, but by the last note. */
void effects_note(struct effects *effects, gpa_t where, const struct entry_change *change);
/* What is noted goes to the runs. */
void effects_end(struct effects *effects);

/* Maps, at a place of a table of level 1 or 2, what is ready to be (translate_rights()) of `count` entries
 * from `first` on; as run.touched says. */
void effects_fill(struct effects *effects, gpa_t table, unsigned level, const struct table_place *place,
    unsigned first, unsigned count, bool touched);

#endif
