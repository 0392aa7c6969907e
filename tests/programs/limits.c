/* Limits of memory (RLIMIT_AS, RLIMIT_DATA): how much of each kind can be mapped below them, here and in what
 * is executed; the domain itself, which takes far more addresses than that, does not count. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE (16ul << 20)
enum { MOST = 64, LIMIT = 300 << 20 };

static const int resources[] = {RLIMIT_AS, RLIMIT_DATA};

static void limit(int resource, rlim_t bytes)
{
    struct rlimit now;
    getrlimit(resource, &now);
    now.rlim_cur = bytes;
    if (setrlimit(resource, &now) < 0 || getrlimit(resource, &now) < 0)
        perror("limit");
    printf("limit %lu, then %lu\n", (unsigned long)now.rlim_cur, (unsigned long)now.rlim_max);
}

static void *maps[MOST];

static size_t map_all(int protection, int flags)
{
    size_t count = 0;
    errno = 0;
    while (count < MOST &&
           (maps[count] = mmap(NULL, PIECE, protection, flags | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED)
        count++;
    return count;
}

static void unmap_all(size_t count)
{
    const int code = errno;
    while (count-- > 0)
        munmap(maps[count], PIECE);
    errno = code;
}

static size_t count_brk(void)
{
    char *from = (char *)syscall(SYS_brk, 0), *end = from;
    while (end < from + MOST * PIECE && (char *)syscall(SYS_brk, end + PIECE) == end + PIECE)
        end += PIECE;
    syscall(SYS_brk, from);
    return (size_t)(end - from) / PIECE;
}

static size_t count_growth(void)
{
    char *at = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t count = 1;
    for (char *to;
         count < MOST && (to = mremap(at, count * PIECE, (count + 1) * PIECE, MREMAP_MAYMOVE)) != MAP_FAILED;
         count++)
        at = to;
    munmap(at, count * PIECE);
    return count;
}

static size_t count_attached(void)
{
    void *at[MOST];
    size_t count = 0;
    int segment = shmget(IPC_PRIVATE, PIECE, IPC_CREAT | 0600);
    while (count < MOST && (at[count] = shmat(segment, NULL, 0)) != (void *)-1)
        count++;
    const int code = errno;
    shmctl(segment, IPC_RMID, NULL);
    for (size_t i = 0; i < count; i++)
        shmdt(at[i]);
    errno = code;
    return count;
}

/* What replaces memory needs no more, and what could not be written may be, if that is within the limit. */
static void change_at_limit(int protection)
{
    size_t count = map_all(protection, MAP_PRIVATE);
    void *again = mmap(maps[0], PIECE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    size_t written = 0;
    while (written < count && mprotect(maps[written], PIECE, PROT_READ | PROT_WRITE) == 0)
        written++;
    printf("again %d, written %zu\n", again == maps[0], written);
    unmap_all(count);
}

static void tell_all(void)
{
    static const struct {
        const char *name;
        int protection, flags;
    } kinds[] = {{"private", PROT_READ | PROT_WRITE, MAP_PRIVATE}, {"read", PROT_READ, MAP_PRIVATE},
        {"nothing", PROT_NONE, MAP_PRIVATE}, {"shared", PROT_READ | PROT_WRITE, MAP_SHARED}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t count = map_all(kinds[i].protection, kinds[i].flags);
        unmap_all(count);
        printf("%s: %zu %s\n", kinds[i].name, count, strerror(errno));
    }
    printf("heap %zu, ", count_brk());
    printf("grown %zu, ", count_growth());
    size_t attached = count_attached();
    printf("attached %zu %s\n", attached, strerror(errno));
    change_at_limit(PROT_READ);
    change_at_limit(PROT_READ | PROT_WRITE);
}

static void in_child(int resource, char *self)
{
    char number[12];
    snprintf(number, sizeof number, "%d", resource);
    fflush(stdout);
    if (fork() == 0) {
        limit(resource, LIMIT - 5 * PIECE);
        fflush(stdout);
        execl(self, self, number, (char *)NULL);
        _exit(1);
    }
    wait(NULL);
}

int main(int count, char **words)
{
    if (count > 1) {
        limit(atoi(words[1]), LIMIT - 9 * PIECE);
        tell_all();
        return 0;
    }
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        const struct rlimit wrong = {2, 1};
        printf("wrong: %d\n", setrlimit(resources[i], &wrong));
        limit(resources[i], LIMIT);
        tell_all();
        in_child(resources[i], words[0]);
        limit(resources[i], RLIM_INFINITY);
    }
    tell_all();
    return 0;
}
