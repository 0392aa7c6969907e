#include "report/style.h"

static const char *const inks[INK_KINDS] = {
    [INK_PLAIN] = "",
    [INK_HEADING] = "\033[1m",
    [INK_FAINT] = "\033[2m",
    [INK_WARNING] = "\033[33m",
    [INK_SLOWER] = "\033[31m",
    [INK_FASTER] = "\033[32m",
};

const char *style_on(const struct report_style *style, enum ink ink)
{
    return style->color ? inks[ink] : "";
}

const char *style_off(const struct report_style *style, enum ink ink)
{
    return style->color && inks[ink][0] ? "\033[0m" : "";
}
