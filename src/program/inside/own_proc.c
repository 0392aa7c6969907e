#include "program/inside/own_proc.h"

#include <stdio.h>
#include <unistd.h>

void own_link(int descriptor, char link[static OWN_LINK_BYTES])
{
    snprintf(link, OWN_LINK_BYTES, "self/fd/%d", descriptor);
}

ssize_t own_link_read(const struct process *process, int descriptor, char *text, size_t bytes)
{
    char link[OWN_LINK_BYTES];
    own_link(descriptor, link);
    return readlinkat(process->kept.proc, link, text, bytes);
}

const char *own_part(const char *path, bool threads)
{
    unsigned long pid;
    int at = 0, task = 0;
    if (sscanf(path, "/proc/%lu/%n", &pid, &at) != 1 || !at || pid != (unsigned long)getpid())
        return NULL;
    if (threads)
        sscanf(path + at, "task/%*u/%n", &task);
    return path + at + task;
}
