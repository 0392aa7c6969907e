/* Executes each file that is named, in a child of its own, and says what became of it:
 *
 *     execute FILE... */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < count; i++) {
        int refused[2], code = 0, status = 0;
        if (pipe(refused) < 0)
            return 1;
        pid_t child = fork();
        if (child == 0) {
            dup2(refused[1], 100); /* stays open in what it executes, as descriptors do */
            close(refused[0]);
            close(refused[1]);
            alarm(5);
            execl(words[i], words[i], (char *)NULL);
            code = errno;
            _exit(write(100, &code, sizeof code) < 0);
        }
        waitpid(child, &status, 0);
        close(refused[1]);
        if (read(refused[0], &code, sizeof code) == sizeof code)
            printf("%s: %s\n", words[i], strerror(code));
        else
            printf("%s: status %x\n", words[i], status);
        close(refused[0]);
    }
    return 0;
}
