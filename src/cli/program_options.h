/* vcost run: its command and its options. */
#ifndef VCOST_CLI_PROGRAM_OPTIONS_H
#define VCOST_CLI_PROGRAM_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"
#include "result/ran.h"

struct program_options {
    struct measure_options common;
    int runs, warmup;
    double timeout; /* seconds */
    struct around_options around;
    const char *output, *check;
    struct text_list also;
    struct choice_list guest_pages, host_pages; /* indices for program_page_bytes() */
    unsigned guest_faults;                      /* index for program_faults() */
    bool ignore_failure, heat;
    double heat_interval; /* seconds */
};

/* The page size that a choice of --guest-page and --host-page stands for; 0: auto. */
uint64_t program_page_bytes(unsigned choice);
/* The same of --guest-faults; RAN_FAULTS_UNKNOWN: auto. */
enum ran_faults program_faults(unsigned choice);

extern const struct command command_run;

/* In cmd_run.c. */
int cmd_run_run(const struct invocation *invocation);

#endif
