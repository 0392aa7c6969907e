/* Random updates of a table of 2^ARG1 bytes, ARG2 of them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    uint64_t bytes = UINT64_C(1) << (argc > 1 ? atoi(argv[1]) : 24),
             count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000, x = 1, sum = 0;
    uint64_t *table = calloc(bytes, 1), words = bytes / 8;
    for (uint64_t i = 0; i < count; i++) {
        x = x << 1 ^ ((int64_t)x < 0 ? 7 : 0);
        table[x * UINT64_C(0x9e3779b97f4a7c15) >> 11 & (words - 1)] ^= x;
    }
    for (uint64_t i = 0; i < words; i++)
        sum = sum * 31 + table[i];
    printf("%llx\n", (unsigned long long)sum);
    return 0;
}
