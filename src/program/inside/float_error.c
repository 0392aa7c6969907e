#include "program/inside/float_error.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where FXSAVE has them (SDM volume 1, table 10-2). */
enum { X87_CONTROL = 0, X87_STATUS = 2, SIMD_STATUS = 24, MASKS_SHIFT = 7 };

/* In the order in which the CPU looks for them (Linux, arch/x86/kernel/fpu/core.c, fpu__exception_code()). */
static const struct {
    unsigned noted;
    int code;
} errors[] = {
    {0x01, FPE_FLTINV},
    {0x04, FPE_FLTDIV},
    {0x08, FPE_FLTOVF},
    {0x12, FPE_FLTUND}, /* a denormal operand, too */
    {0x20, FPE_FLTRES},
};

int float_error(const void *extended, bool simd)
{
    const char *area = extended;
    uint16_t control, status;
    uint32_t both;
    memcpy(&control, area + X87_CONTROL, sizeof control);
    memcpy(&status, area + X87_STATUS, sizeof status);
    memcpy(&both, area + SIMD_STATUS, sizeof both);
    unsigned noted = simd ? both & ~(both >> MASKS_SHIFT) : status & ~(unsigned)control;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (noted & errors[i].noted)
            return errors[i].code;
    return 0;
}
