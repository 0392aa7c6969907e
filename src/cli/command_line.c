#include "cli/command_line.h"

#include <errno.h>
#include <wordexp.h>

static int refuse(const char *line, int code, struct error *error)
{
    if (code == WRDE_NOSPACE)
        return error_set(error, ENOMEM, "no memory for a command line");
    if (code == WRDE_SYNTAX)
        return error_set(error, EINVAL, "\"%.60s\" ends within quotes", line);
    return error_set(error, EINVAL,
        "\"%.60s\" is more than a program and its arguments: give what only a shell does (| & ; < > $(...)) "
        "to one, as in \"sh -c '...'\"",
        line);
}

int command_line_split(const char *line, struct pool *pool, const char *const **out, struct error *error)
{
    wordexp_t made;
    int code = wordexp(line, &made, WRDE_NOCMD);
    if (code)
        return refuse(line, code, error);
    int rc = made.we_wordc ? 0 : error_set(error, EINVAL, "\"%.60s\" names no program", line);
    const char **words = pool_room(pool, made.we_wordc + 1, sizeof(char *));
    for (size_t i = 0; words && i < made.we_wordc; i++)
        words[i] = pool_text(pool, made.we_wordv[i]);
    wordfree(&made);
    if (rc == 0 && pool->failed)
        rc = error_set(error, ENOMEM, "no memory for a command line");
    if (rc == 0)
        *out = words;
    return rc;
}
