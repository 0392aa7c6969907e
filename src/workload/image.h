/* The built-in workloads' machine code, ready to be executed: here directly, or in a domain that maps the
 * same memory at the same addresses. Next to the code lie the job (abi/workload.h) and a stack for the
 * domain. */
#ifndef VCOST_WORKLOAD_IMAGE_H
#define VCOST_WORKLOAD_IMAGE_H

#include "abi/workload.h"
#include "base/error.h"
#include "host/memory.h"

#include <stddef.h>

struct image {
    struct memory memory;     /* code, job, stack; owned */
    const void *code;         /* read and execute */
    size_t code_bytes;        /* whole pages */
    struct workload_job *job; /* one page, read and write */
    void *stack;              /* lowest address; read and write */
    size_t stack_bytes;
};

/* Copies the embedded image into memory of its own. */
int image_load(struct image *image, struct error *error);
/* Puts it on shared memory where it is (host/memory.h), for guests that run in another process. Harmless if
 * it is there. */
int image_share(struct image *image, struct error *error);
void image_unload(struct image *image);

/* The entry's function, which can be called natively as it is. An unknown name is an error. */
int image_find(const struct image *image, const char *name, workload_function **entry, struct error *error);

/* The embedded bytes themselves, for tests that read the code. */
const struct workload_image_header *image_embedded(size_t *bytes);

#endif
