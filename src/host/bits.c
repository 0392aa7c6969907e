#include "host/bits.h"

#include <stdio.h>
#include <string.h>

static const char *name_of(unsigned bit, const struct bit_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].bit == bit)
            return names[i].name;
    return NULL;
}

struct fact bits_named(uint64_t bits, const struct bit_name *names, size_t count)
{
    char text[64 * 32] = "";
    size_t used = 0;
    struct fact fact;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(bits >> bit & 1))
            continue;
        const char *name = name_of(bit, names, count), *blank = used ? " " : "";
        int length = name ? snprintf(text + used, sizeof text - used, "%s%.24s", blank, name)
                          : snprintf(text + used, sizeof text - used, "%sbit-%u", blank, bit);
        used += (size_t)length; /* each takes less than its 32nd part */
    }
    if (!used)
        return fact_known("none");
    fact = fact_known("%s", text);
    if (used >= sizeof fact.text)
        memcpy(fact.text + sizeof fact.text - 4, "...", 4);
    return fact;
}
