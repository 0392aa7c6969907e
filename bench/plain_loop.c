#include "plain_loop.h"

void *plain_loop(void *element, uint64_t steps)
{
    while (steps--)
        element = *(void **)element;
    return element;
}
