/* Which vcost wrote a report. The build passes -DVCOST_VERSION="…" and -DVCOST_BUILD="…" (a commit, a date).
 */
#ifndef VCOST_RESULT_TOOL_H
#define VCOST_RESULT_TOOL_H

struct tool {
    const char *version; /* "0.1.0" */
    const char *build;   /* "" if the build did not say */
};
extern const struct tool this_tool;

#endif
