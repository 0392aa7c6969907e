#include "result/tool.h"

#ifndef VCOST_VERSION
#define VCOST_VERSION "unknown"
#endif
#ifndef VCOST_BUILD
#define VCOST_BUILD ""
#endif

const struct tool this_tool = {.version = VCOST_VERSION, .build = VCOST_BUILD};
