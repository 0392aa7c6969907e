/* What differs about the machines and the settings of results that are compared. */
#include "result/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* A file's fact of this name and key; NULL if it tells none. */
static const char *text_of(const struct saved *file, const struct saved_fact *fact)
{
    for (size_t i = 0; i < file->fact_count; i++)
        if (file->facts[i].name == fact->name && same_text(file->facts[i].key, fact->key))
            return file->facts[i].text;
    return NULL;
}

static bool told_before(const struct compare *compare, size_t file, const struct saved_fact *fact)
{
    for (size_t i = 0; i < file; i++)
        if (text_of(&compare->files[i], fact))
            return true;
    return false;
}

static bool told_everywhere(const struct compare *compare, const struct difference *difference)
{
    for (size_t i = 0; i < compare->file_count; i++)
        if (!difference->texts[i])
            return false;
    return true;
}

/* Behind those of its name; what every file tells, and tells differently, in front of what some do not. */
static void insert(struct compare *compare, const struct difference *difference)
{
    struct difference *all = compare->differences;
    size_t at = compare->difference_count;
    while (at > 0 && all[at - 1].name != difference->name)
        at--;
    if (!at)
        at = compare->difference_count;
    if (told_everywhere(compare, difference))
        while (at > 0 && all[at - 1].name == difference->name && !told_everywhere(compare, &all[at - 1]))
            at--;
    memmove(all + at + 1, all + at, (compare->difference_count - at) * sizeof *all);
    all[at] = *difference;
    compare->difference_count++;
}

static void add_difference(struct compare *compare, const struct saved_fact *fact)
{
    struct difference difference = {.name = fact->name, .key = fact->key};
    bool same = true;
    for (size_t i = 0; i < compare->file_count; i++) {
        difference.texts[i] = text_of(&compare->files[i], fact);
        same &= same_text(difference.texts[0], difference.texts[i]);
    }
    if (!same)
        insert(compare, &difference);
}

int compare_facts(struct compare *compare)
{
    size_t most = 0;
    for (size_t file = 0; file < compare->file_count; file++)
        most += compare->files[file].fact_count;
    compare->differences = calloc(most + 1, sizeof *compare->differences);
    if (!compare->differences)
        return -ENOMEM;
    for (size_t file = 0; file < compare->file_count; file++)
        for (size_t i = 0; i < compare->files[file].fact_count; i++)
            if (!told_before(compare, file, &compare->files[file].facts[i]))
                add_difference(compare, &compare->files[file].facts[i]);
    return 0;
}
