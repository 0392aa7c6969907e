/* Filters of system calls that a program installs (seccomp(2)): checked as Linux does, and evaluated on the
 * calls that it makes in its domain. None of vcost's own is asked. The language is classic BPF (Linux,
 * Documentation/networking/filter.rst, kernel/seccomp.c: which instructions). */
#ifndef VCOST_PROGRAM_INSIDE_FILTER_H
#define VCOST_PROGRAM_INSIDE_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One that was installed, and those before it; never changed, never freed: threads and processes share the
 * tail, as they inherit it. */
struct filter {
    const struct filter *before;
    unsigned length;
    struct sock_filter program[];
};

/* Is it one that Linux takes? */
bool filter_is_valid(const struct sock_filter *program, unsigned length);

/* What a program that is valid returns for a call: SECCOMP_RET_* and its data. */
uint32_t filter_run(const struct sock_filter *program, const struct seccomp_data *data);

/* What all of a list return together: the strictest, of equal ones the newest. SECCOMP_RET_ALLOW if there is
 * none. */
uint32_t filter_ask(const struct filter *newest, const struct seccomp_data *data);

/* A new one before a list; NULL without memory. */
const struct filter *filter_add(
    const struct sock_filter *program, unsigned length, const struct filter *before);

#endif
