/* What can be asked of `vcost domain`. */
#ifndef VCOST_CLI_DOMAIN_OPTIONS_H
#define VCOST_CLI_DOMAIN_OPTIONS_H

#include "base/size.h"
#include "cli/common_options.h"

struct domain_options {
    struct output_options output;
    const char *folder;                                /* of control sockets; NULL: the usual one */
    const char *name;                                  /* NULL: domain; of restore: the one that it had */
    struct size_range memory, low_memory, working_set; /* working_set.last 0: all of it */
    unsigned workload;                                 /* enum portable_workload */
    int vcpus;
    unsigned monitor; /* run: of monitor_at(); restore, receive: 0 the one that it had, else one more */
    uint64_t work;    /* 0: endless */
    int rate;         /* MB/s; -1: none */
    bool detach, paused, keep_running, lazy, userfaultfd, compress;
    struct number_list nodes; /* count 0: wherever the kernel places memory */
    bool lock, forkable;
    unsigned clock; /* enum clock_policy */
    bool check, cleartext;
    bool watch, written; /* stats */
    double interval;
    const char *record,
        *first;           /* files of the pages that were touched first, to be written and read; NULL: none */
    const char *timeline; /* a picture; NULL: none */
    unsigned at_timeout;  /* 0: cancel, 1: stop */
    int max_downtime, max_bandwidth; /* ms; MB/s, -1: none */
    double timeout, link_timeout;    /* seconds; timeout 0: none */
    int count;                       /* of clones */
    int streams, passes, throttle;   /* of a migration; -1: not asked for */
    bool post_copy, reconnect;
};

/* Of vcost domain run: all but what the machine tells. */
struct portable_plan;
void domain_options_plan(const struct domain_options *options, struct portable_plan *plan);

extern const struct command command_domain;

/* The subcommands, in cmd_domain.c, cmd_domain_ask.c and cmd_domain_migrate.c. */
int cmd_domain_run_run(const struct invocation *invocation);
int cmd_domain_restore_run(const struct invocation *invocation);
int cmd_domain_stats_run(const struct invocation *invocation);
int cmd_domain_list_run(const struct invocation *invocation);
int cmd_domain_status_run(const struct invocation *invocation);
int cmd_domain_pause_run(const struct invocation *invocation);
int cmd_domain_resume_run(const struct invocation *invocation);
int cmd_domain_stop_run(const struct invocation *invocation);
int cmd_domain_save_run(const struct invocation *invocation);
int cmd_domain_memory_run(const struct invocation *invocation);
int cmd_domain_fork_run(const struct invocation *invocation);
int cmd_domain_check_run(const struct invocation *invocation);
int cmd_domain_migrate_run(const struct invocation *invocation);
int cmd_domain_cancel_run(const struct invocation *invocation);
int cmd_domain_receive_run(const struct invocation *invocation);

#endif
