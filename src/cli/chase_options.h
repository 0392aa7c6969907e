/* What can be asked of `vcost chase`. */
#ifndef VCOST_CLI_CHASE_OPTIONS_H
#define VCOST_CLI_CHASE_OPTIONS_H

#include "base/size.h"
#include "cli/command.h"
#include "cli/common_options.h"
#include "model/ground.h"
#include "model/rates.h"

#include <stdbool.h>

enum { CHASE_NPAD_MAX = 511, CHASE_PER_OCTAVE_MAX = 64 };

struct chase_options {
    struct measure_options common;
    struct size_range working_set;              /* bytes */
    int per_octave;                             /* working sets per doubling */
    struct number_list npad;                    /* elements of 8 * (1 + NPAD) bytes */
    struct choice_list orders;                  /* indices are enum chase_order */
    struct choice_list guest_pages, host_pages; /* indices for chase_page_bytes() */
    unsigned host_source;                       /* enum memory_source */
    struct number_list numa_nodes;              /* count 0: wherever the kernel places memory */
    int chains;
    bool write, lock;
    struct choice_list techniques; /* of machines that are simulated; indices are enum model_technique */
    bool hypothetical, explain;
    const char *rates; /* event_rates_parse(); NULL: none */
    unsigned frames;   /* enum frame_order */
    double fragmented; /* per cent */
    unsigned nodes;    /* index for chase_nodes[] */
    int domains, processes;
    bool fresh, code, demand, forks;
};

/* Where a simulated domain's memory is. */
struct chase_nodes {
    struct choice choice;
    enum frame_node node;
    bool told;
};
extern const struct chase_nodes chase_nodes[];

/* The page size that a choice of --guest-page and --host-page stands for. */
uint64_t chase_page_bytes(unsigned choice);
choice_function chase_page_choice;
choice_function technique_choice; /* enum model_technique */

/* Also checks what can be known without looking at the host. */
extern const struct command command_chase;

/* The command itself, in cmd_chase.c: invocation->options is a struct chase_options. */
int cmd_chase_run(const struct invocation *invocation);

#endif
