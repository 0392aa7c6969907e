#include "program/inside/handed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void handed_write(const uint64_t numbers[HANDED_COUNT], char text[HANDED_TEXT_BYTES])
{
    char *at = text;
    for (unsigned i = 0; i < HANDED_COUNT; i++)
        at += sprintf(at, "%s%" PRIu64, i ? "," : "", numbers[i]);
}

unsigned handed_read(const char *text, uint64_t numbers[HANDED_COUNT])
{
    unsigned count = 0;
    for (char *end; count < HANDED_COUNT; text = end + 1) {
        numbers[count] = strtoull(text, &end, 10);
        count += end != text;
        if (end == text || *end != ',')
            break;
    }
    return count;
}
