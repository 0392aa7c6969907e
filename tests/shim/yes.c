/* Preloaded: a kernel that says yes and does nothing, as emulators of Linux and sandboxes do for some calls.
 * Which calls is said by the environment variable YES, a list: "madvise,mlock". */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static int says_yes(const char *call)
{
    const char *list = getenv("YES");
    size_t length = strlen(call);
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (!strncmp(at, call, length) && (at[length] == ',' || !at[length]))
            return 1;
    return 0;
}

PUBLIC int madvise(void *start, size_t bytes, int advice)
{
    return says_yes("madvise") ? 0 : (int)syscall(SYS_madvise, start, bytes, advice);
}

PUBLIC int mlock(const void *start, size_t bytes)
{
    return says_yes("mlock") ? 0 : (int)syscall(SYS_mlock, start, bytes);
}

PUBLIC int munlock(const void *start, size_t bytes)
{
    return says_yes("munlock") ? 0 : (int)syscall(SYS_munlock, start, bytes);
}

/* Making code executable has a name of its own, since little runs without it. */
PUBLIC int mprotect(void *start, size_t bytes, int rights)
{
    int yes = says_yes(rights & PROT_EXEC ? "mprotect-exec" : "mprotect");
    return yes ? 0 : (int)syscall(SYS_mprotect, start, bytes, rights);
}

/* Of single pages alone: what is otherwise unmapped would come to an end only with the process. */
PUBLIC int munmap(void *start, size_t bytes)
{
    return bytes == 4096 && says_yes("munmap") ? 0 : (int)syscall(SYS_munmap, start, bytes);
}

PUBLIC int sched_setaffinity(pid_t thread, size_t bytes, const cpu_set_t *cpus)
{
    return says_yes("sched_setaffinity") ? 0 : (int)syscall(SYS_sched_setaffinity, thread, bytes, cpus);
}
