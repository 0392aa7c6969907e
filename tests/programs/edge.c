/* A system call that is given more bytes than there are ends with the mapping, here the first one that is
 * made without an address, and leaves alone what is behind. Static, so that nothing was mapped before. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, MORE = 1 << 24 };

int main(void)
{
    char line[40];
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int zeros = open("/dev/zero", O_RDONLY);
    int bytes = snprintf(line, sizeof line, "read %zd\n", read(zeros, page, MORE));
    return page == MAP_FAILED || write(STDOUT_FILENO, line, (size_t)bytes) != bytes;
}
