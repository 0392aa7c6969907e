#include "cli/interrupt.h"

#include <signal.h>
#include <stdio.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t caught;

static void remember(int number)
{
    caught = number;
}

/* Without SA_RESTART, so that a guest that is running is interrupted too; SA_RESETHAND, so that the second
 * signal kills. */
void interrupt_catch(void)
{
    struct sigaction catch = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND}, before;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &catch, NULL);
}

bool interrupt_asked(void *unused)
{
    (void)unused;
    return caught != 0;
}

void interrupt_finish(void)
{
    if (!caught)
        return;
    fflush(NULL);
    signal(caught, SIG_DFL);
    raise(caught);
}
