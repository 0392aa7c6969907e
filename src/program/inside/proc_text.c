#include "program/inside/proc_text.h"

#include "host/descriptor.h"
#include "program/inside/calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void put_status(const struct thread *thread, FILE *from, FILE *to)
{
    static const char threads[] = "Threads:";
    char line[512];
    while (fgets(line, sizeof line, from))
        if (strncmp(line, threads, sizeof threads - 1) == 0)
            fprintf(to, "%s\t%lu\n", threads,
                strtoul(line + sizeof threads - 1, NULL, 10) - call_monitors_threads(thread));
        else
            fputs(line, to);
}

static void put_maps(const struct thread *thread, FILE *from, FILE *to)
{
    char line[PATH_MAX + 128];
    while (fgets(line, sizeof line, from))
        window_tell_mapping(thread->process->window, line, to);
}

static const struct {
    const char *name;
    void (*put)(const struct thread *thread, FILE *from, FILE *to);
} texts[] = {{"maps", put_maps}, {"status", put_status}};

static FILE *open_stream(int descriptor, const char *mode)
{
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, mode);
    if (!stream && descriptor >= 0)
        close(descriptor);
    return stream;
}

static int make(const struct thread *thread, size_t which)
{
    char path[32];
    int copy = memfd_create(texts[which].name, MFD_CLOEXEC),
        made = copy < 0 ? -1 : descriptor_copy(copy, thread->process->kept.first, true);
    snprintf(path, sizeof path, "self/%s", texts[which].name);
    FILE *from = open_stream(openat(thread->process->kept.proc, path, O_RDONLY | O_CLOEXEC), "r"),
         *to = open_stream(copy, "w"); /* which has not the number that the program is to get */
    if (from && to)
        texts[which].put(thread, from, to);
    bool whole = from && to && !ferror(from) && !ferror(to);
    if (from)
        fclose(from);
    if (to && fclose(to) != 0)
        whole = false;
    if (!whole && made >= 0)
        close(made);
    return whole ? made : -1;
}

enum { TEXTS = sizeof texts / sizeof texts[0] };

static size_t find(const char *name)
{
    size_t i = 0;
    while (i < TEXTS && strcmp(texts[i].name, name) != 0)
        i++;
    return i;
}

bool proc_text_has(const char *name)
{
    return find(name) < TEXTS;
}

int proc_text_open(const struct thread *thread, const char *name)
{
    size_t which = find(name);
    return which < TEXTS ? make(thread, which) : -1;
}
