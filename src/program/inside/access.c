#include "program/inside/access.h"

#include "program/inside/page.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel copies between two places of this process: what cannot be accessed is told, not felt. */
static ssize_t copy(const struct process *process, uint64_t there, void *here, size_t bytes, bool out)
{
    const struct iovec local = {here, bytes}, remote = {(void *)(uintptr_t)there, bytes};
    tally_add(&process->tally->looks, 1);
    return out ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
               : process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

int access_read(const struct process *process, uint64_t from, void *to, size_t bytes)
{
    bool whole =
        window_holds(process->window, from, bytes) && copy(process, from, to, bytes, false) == (ssize_t)bytes;
    return whole ? 0 : -EFAULT;
}

int access_write(const struct process *process, uint64_t to, const void *from, size_t bytes)
{
    bool whole = window_holds(process->window, to, bytes) &&
                 copy(process, to, (void *)(uintptr_t)from, bytes, true) == (ssize_t)bytes;
    return whole ? 0 : -EFAULT;
}

int access_text(const struct process *process, uint64_t from, char *text, size_t bytes)
{
    for (size_t done = 0, more; done < bytes; done += more) {
        more = PAGE - (from + done) % PAGE; /* what is behind the end may not be there */
        more = more < bytes - done ? more : bytes - done;
        if (access_read(process, from + done, text + done, more) < 0)
            return -EFAULT;
        if (memchr(text + done, 0, more))
            return 0;
    }
    return -ENAMETOOLONG;
}
