/* The code of caches_serve.h and caches_many.h for CPUs with AVX2, which have the rest of x86-64-v3, too, as
 * far as it is asked for here. */
#ifndef __clang__ /* which has no such pragma: there this is the code for all once more */
#pragma GCC target("avx2,bmi,bmi2")
#endif
#include "model/caches_many.h"

const struct caches_codes caches_codes_wide = {CACHES_CODE, CACHES_MANY};

bool caches_are_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
