/* Reads the value of one option, and writes it. The sentence of a failure says what is wrong and what is
 * right, without the option's name, which options.c puts in front. */
#ifndef VCOST_CLI_VALUES_H
#define VCOST_CLI_VALUES_H

#include "base/error.h"
#include "base/pool.h"
#include "cli/command.h"

/* Stores what `text` says in `field`, whose type follows from option->kind (command.h). `text` must live as
 * long as *field: file names are not copied. *field is untouched on failure. */
int value_read(const struct option_spec *option, const char *text, void *field, struct error *error);

/* What is stored in `field` as a user would type it: "4K..1G", "native,kvm"; "yes" or "no" for a flag; NULL
 * where nothing is given. In the pool, or static. */
const char *value_write(const struct option_spec *option, const void *field, struct pool *pool);

/* Which of the choices a word is: *index. */
int value_choose(choice_function *choice, const char *text, unsigned *index, struct error *error);

/* True if options of this kind take a value. */
bool value_is_wanted(enum option_kind kind);

/* True if they take several, separated by commas. */
bool value_is_list(enum option_kind kind);

#endif
