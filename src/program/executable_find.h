/* Which file a program is, by its name. */
#ifndef VCOST_PROGRAM_EXECUTABLE_FIND_H
#define VCOST_PROGRAM_EXECUTABLE_FIND_H

#include <limits.h>

/* As execvp() finds it: what has a slash is a path, all else is looked for in PATH's folders (without PATH in
 * /bin and /usr/bin), where what may not be executed and folders of that name are passed over. -EACCES: there
 * are only such; or -ENOENT, or what else keeps it from a path. */
int executable_find(const char *word, char path[static PATH_MAX]);

#endif
