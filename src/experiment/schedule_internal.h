/* A schedule while it runs: what its parts share. schedule.c measures, schedule_time.c plans and watches the
 * time, schedule_conclude.c makes of the samples what is reported. */
#ifndef VCOST_EXPERIMENT_SCHEDULE_INTERNAL_H
#define VCOST_EXPERIMENT_SCHEDULE_INTERNAL_H

#include "experiment/schedule.h"

/* What rows have taken until now. */
struct pace {
    unsigned rows;
    double seconds;  /* in all … */
    double sampling; /* … and of these for samples, where … */
    double
        asked; /* … each cell's would have taken as long as this, had they lasted what they were meant to */
};

/* A runner in the present placement. */
struct placed {
    struct runner *runner;          /* NULL: it is not open: each cell opens one of its own */
    struct error failure;           /* code 0: it has not failed */
    const struct stop *stop_before; /* of its placement */
};

struct run {
    const struct schedule *schedule;
    struct scheduled *scheduled;
    struct result *result;
    struct result_cell *cells; /* of the result, those that are measured */
    size_t *order;             /* rows in the order of the present placement */
    unsigned *rounds;          /* of each row in one placement */
    struct placed *placed;     /* each runner */
    struct error broken;       /* the first failure that breaks the result; code 0: none */
    double (*now)(void);
    double started;   /* now() */
    struct stop stop; /* of the placements: the user's, and the end of the time */
    unsigned placement, planned;
    unsigned least;           /* placements that are measured at least */
    unsigned another;         /* so many were another machine's */
    size_t rows_done;         /* of the present placement */
    double planned_seconds;   /* of all placements */
    double repeat_seconds;    /* spent on taking disturbed samples again */
    double once_seconds;      /* spent on what is sampled once and planned for no other placement */
    double sample_seconds;    /* what one sample lasts, about: as long as was asked for, or shortened */
    double placement_started; /* elapsed_again() */
    struct pace pace;
};

/* Seconds since the schedule began. */
double schedule_elapsed(const struct run *run);

/* Without what no further placement takes. */
double schedule_elapsed_again(const struct run *run);

/* -EINTR: the user has stopped it, or the time budget has ended, as error says. */
int schedule_check_time(const struct run *run, struct error *error);
/* Whether a failure is nobody's: the user has stopped it, which makes all kinds of calls fail, or what was
 * tried has noticed the end of the time. Not if a call was merely interrupted. The error says so then. */
bool schedule_is_stopped(const struct run *run, int rc, struct error *error);

/* Memory is mapped and lists are laid out for as long as the budget allows, and no longer. */
void schedule_watch_placements(struct run *run);
void schedule_leave_placements(const struct run *run);

/* Progress: what is done now, and how much time is left. */
void schedule_tell(const struct run *run, const char *what);

/* After each placement: how many fit the budget. Decided by time alone: stopping when an interval is narrow
 * enough would make it too narrow. */
void schedule_plan_placements(struct run *run);

/* After the first placement: how many rounds each row takes from now on, as many as the least number of
 * placements leaves time for. */
void schedule_plan_rounds(struct run *run);

/* Before a row: samples become as short as the pace until now demands, if the least number of placements is
 * to fit the budget. What else a row takes (its preparation) stays. The first placement, which may be slow
 * for being the first, has half of the time. */
void schedule_keep_pace(struct run *run);

/* What all of it comes to after measuring ended with rc: cells and comparisons are analysed. Being stopped
 * ends the measuring, not the report; nor does a failure after something was measured. 0, or what is left to
 * tell. */
int schedule_conclude(struct run *run, int rc, struct error *error);

#endif
