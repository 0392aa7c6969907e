/* Whatever a program installs as a filter of system calls: what is taken comes to an end, and reads nothing
 * but itself and the call. */
#include "program/inside/filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seccomp_data call = {.nr = 0};
    size_t head = size < sizeof call ? size : sizeof call,
           length = (size - head) / sizeof(struct sock_filter);
    struct sock_filter *program = calloc(length ? length : 1, sizeof *program);
    memcpy(&call, data, head);
    memcpy(program, data + head, length * sizeof *program);
    if (filter_is_valid(program, (unsigned)length))
        filter_run(program, &call);
    free(program);
    return 0;
}
