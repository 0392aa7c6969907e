/* A domain made of a file, and served: serving->fd, name, lazy and brought say which and how. */
#ifndef VCOST_CLI_RESTORING_H
#define VCOST_CLI_RESTORING_H

#include "cli/serving.h"

maker restoring_make;
unmaker restoring_end;

#endif
