/* What asks the experiment to stop, so that what was measured is still reported: Ctrl-C and SIGTERM, of which
 * a second one ends the program as it always would, and CPU time that runs out. */
#ifndef VCOST_CLI_INTERRUPT_H
#define VCOST_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on. Whoever runs under nohup, or behind a shell's &, and ignores SIGHUP or SIGINT goes on ignoring
 * it. */
void interrupt_catch(void);

/* In a process that another one has forked off, to live on its own: what asked that one to stop does not ask
 * this one. */
void interrupt_forget(void);

/* True once a signal has come: what a struct stop asks. */
bool interrupt_asked(void *unused);

/* Why, for people. */
const char *interrupt_reason(void *unused);

/* Whether a limit asked and not the user. */
bool interrupt_limited(void);

/* At the very end: if a signal has come, dies of it, as a shell expects ("$?" is then 128 + its number).
 * Otherwise returns, also where a limit asked. */
void interrupt_finish(void);

#endif
