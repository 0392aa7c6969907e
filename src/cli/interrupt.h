/* Ctrl-C and SIGTERM: the first asks the experiment to stop, so that what was measured is still reported; a
 * second one ends the program as it always would. */
#ifndef VCOST_CLI_INTERRUPT_H
#define VCOST_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on. Whoever runs under nohup and ignores a signal goes on ignoring it. */
void interrupt_catch(void);

/* True once a signal has come: what a struct stop asks. */
bool interrupt_asked(void *unused);

/* At the very end: if a signal has come, dies of it, as a shell expects ("$?" is then 128 + its number).
 * Otherwise returns. */
void interrupt_finish(void);

#endif
