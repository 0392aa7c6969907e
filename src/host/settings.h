/* The settings that change what is measured: frequency, threads of a core, mitigations. */
#ifndef VCOST_HOST_SETTINGS_H
#define VCOST_HOST_SETTINGS_H

#include "host/host.h"

/* Fills host->kernel, governor, turbo, smt, mitigations and mitigations_source. */
void host_look_settings(struct host *host);

#endif
