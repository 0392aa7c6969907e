/* What a program gets from whoever starts it and would not expect: signals that are ignored or blocked, and
 * too small a stack. */
#ifndef VCOST_CLI_INHERITED_H
#define VCOST_CLI_INHERITED_H

/* To be called first of all. Unblocks all signals, so that Ctrl-C, SIGTERM and timers arrive; takes SIGCHLD
 * back, without which children cannot be waited for; and lets writing beyond the limit on file sizes fail
 * (EFBIG) instead of ending the program. */
void inherited_signals(void);

/* Returns run(argc, argv), on a stack of its own where the limit (ulimit -s) allows only a small one; a
 * negative errno if there is no memory for that. */
int inherited_stack(int (*run)(int argc, char **argv), int argc, char **argv);

#endif
