/* Says where it is executed, by what only the kernel that it runs under decides: where the table of segments
 * is (SGDT), and which task state is loaded (STR). Where UMIP is on, the host's kernel answers natively with
 * figures of its own. In a thread, a child and an executed program, too. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *who)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdt = {0};
    uint64_t task = 0;
    char line[96];
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    __asm__ volatile("str %0" : "=r"(task));
    int length = snprintf(line, sizeof line, "%s %d %#llx %#llx\n", who, gdt.limit,
        (unsigned long long)gdt.base, (unsigned long long)(task & 0xffff));
    if (write(1, line, (size_t)length) < 0)
        _exit(1);
}

static void *thread(void *none)
{
    say("thread");
    return none;
}

int main(int count, char **words)
{
    pthread_t other;
    if (count > 1) {
        say("executed");
        return 0;
    }
    say("process");
    pthread_create(&other, NULL, thread, NULL);
    pthread_join(other, NULL);
    if (vfork() == 0) { /* NOLINT: in its parent's memory, by another virtual CPU */
        say("borrower");
        _exit(0);
    }
    if (fork() == 0) {
        say("child");
        execl(words[0], words[0], "again", (char *)NULL);
        _exit(1);
    }
    int status[2];
    wait(&status[0]);
    wait(&status[1]);
    return status[0] || status[1];
}
