#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    long sum = 0;
    for (int i = 1; i < 12000; i++) {
        char *p = malloc(i);
        memset(p, i, i);
        sum += p[i / 2];
        free(p);
    }
    printf("%ld\n", sum);
    if (argc > 1) {
        char *volatile p = malloc(10);
        return p[10 + (argv[1][0] == 'o')];
    }
    return 0;
}
