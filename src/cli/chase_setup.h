/* From the options of vcost chase to what the experiment wants: shapes, and the sites to run them on. */
#ifndef VCOST_CLI_CHASE_SETUP_H
#define VCOST_CLI_CHASE_SETUP_H

#include "cli/chase_options.h"
#include "experiment/chase.h"
#include "experiment/setting.h"

/* The list of shapes: each order and element size over all working sets. *shapes is malloc'd and the
 * caller's. */
int chase_setup_shapes(
    const struct chase_options *options, struct chase_shape **shapes, size_t *count, struct error *error);

/* Finds out what KVM does here and adds the sites to an open setting: one for each host page size, with
 * native and a guest for each guest page size, and one for each agent, which is started. A runner that was
 * named must be usable (-ENOTSUP); one that was not is left out, with a word on stderr. */
int chase_setup_sites(const struct chase_options *options, struct setting *setting, struct error *error);

#endif
