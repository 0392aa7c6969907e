/* Large arrays where a program is linked, and a heap behind. */
#include <stdio.h>
#include <stdlib.h>
static char large[300 << 20], initialized[1 << 20] = {1};
int main(void)
{
    unsigned long sum = 0;
    for (unsigned long i = 0; i < sizeof large; i += 40960)
        large[i] = (char)(i >> 12);
    for (unsigned long i = 0; i < sizeof large; i += 4096)
        sum += (unsigned char)large[i];
    char *more = malloc(200 << 20);
    for (unsigned long i = 0; i < 200ul << 20; i += 65536)
        more[i] = 1;
    for (int i = 0; i < 100000; i++)
        sum += *(char *)calloc(1, 64 + i % 64) + initialized[i];
    printf("%lu\n", sum);
    return 0;
}
