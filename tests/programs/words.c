/* Says what a program is given when it begins, writes a file, reads it again, and ends with a status of its
 * own:
 *
 *     words STATUS FILE [ARG...] */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char zeroed[1 << 20];
static int initialized[1000] = {[999] = 7};
static __thread int own = 5;

int main(int count, char **words, char **environment)
{
    char text[256];
    struct timespec now;
    char *volatile nowhere = (char *)8;
    double number = 0;
    for (int i = 0; i < count; i++)
        printf("argument %d: %s\n", i, words[i]);
    for (int i = 0; environment[i]; i++)
        if (strncmp(environment[i], "TEST_", 5) == 0)
            printf("environment: %s\n", environment[i]);
    printf("directory: %s\n", getcwd(text, sizeof text));
    printf("page %lu, user %lu %lu, secure %lu, executed %s\n", getauxval(AT_PAGESZ), getauxval(AT_UID),
        getauxval(AT_EUID), getauxval(AT_SECURE), (const char *)getauxval(AT_EXECFN));
    ssize_t length = readlink("/proc/self/exe", text, sizeof text - 1);
    printf("executable: %.*s\n", (int)length, text);
    printf("data %d %d %d\n", zeroed[sizeof zeroed - 1], initialized[999], own);
    for (int i = 1; i < 1000; i++)
        number += 1.0 / i;
    printf("sum %.15g, clock %s\n", number,
        clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec > 0 ? "runs" : "stands");
    int file = open(words[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
    memset(text, 0, sizeof text);
    printf("wrote %zd\n", write(file, "some text", 9));
    printf("read %zd %s\n", pread(file, text, sizeof text, 0), text);
    printf("nothing there: %d %d\n", open("/nowhere/at/all", O_RDONLY), errno);
    printf("no such place: %zd %d\n", write(file, nowhere, 9), errno);
    char *heap = malloc(3 << 20);
    memset(heap, 1, 3 << 20);
    printf("heap %d\n", heap[(3 << 20) - 1]);
    free(heap);
    return atoi(words[1]);
}
