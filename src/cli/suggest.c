#include "cli/suggest.h"

#include <string.h>

enum { WORD_MAX = 40 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits between two words: a letter more, a letter less, another letter, two neighbours exchanged (the
 * optimal string alignment distance; G. Navarro, "A guided tour to approximate string matching", ACM
 * Computing Surveys 33(1), 2001). Both at most WORD_MAX letters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= width; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], second[j - 2] + 1);
        }
    }
    return rows[strlen(a) % 3][width];
}

const char *suggest(
    const char *word, const char *(*candidate)(const void *context, size_t index), const void *context)
{
    const char *best = NULL;
    if (strlen(word) > WORD_MAX)
        return NULL;
    /* A third of the letters may be wrong, at least one. */
    unsigned best_distance = (unsigned)strlen(word) / 3 + 2;
    for (size_t i = 0; candidate(context, i); i++) {
        const char *name = candidate(context, i);
        unsigned edits = strlen(name) > WORD_MAX ? best_distance : distance(word, name);
        if (edits < best_distance) {
            best_distance = edits;
            best = name;
        }
    }
    return best;
}
