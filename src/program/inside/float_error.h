/* Which error of floating-point arithmetic an exception is, as si_code of SIGFPE tells it. */
#ifndef VCOST_PROGRAM_INSIDE_FLOAT_ERROR_H
#define VCOST_PROGRAM_INSIDE_FLOAT_ERROR_H

#include <stdbool.h>

/* By the thread's registers in the form of XSAVE: of SSE and AVX (#XM), or of the x87 (#MF). FPE_FLTDIV and
 * the like; 0: none that is let through is noted there. */
int float_error(const void *extended, bool simd);

#endif
