/* Which processor this is. */
#ifndef VCOST_HOST_CPU_H
#define VCOST_HOST_CPU_H

#include "host/cpuid.h"
#include "host/host.h"

/* Decodes the signature in EAX of CPUID leaf 1 (APM volume 3, CPUID Fn0000_0001_EAX; SDM volume 2A, CPUID
 * leaf 1). */
void cpu_signature(uint32_t eax, unsigned *family, unsigned *model, unsigned *stepping);

/* Puts the 12 bytes of three registers together, in the order given, as printable text. */
void cpu_text12(uint32_t a, uint32_t b, uint32_t c, char text[static 13]);

/* Fills host->cpu. -ENOMEM if there is no room for the features. */
int host_look_cpu(struct host *host, struct error *error);

#endif
