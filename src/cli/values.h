/* Reads the value of one option. The sentence of a failure says what is wrong and what is right, without the
 * option's name, which options.c puts in front. */
#ifndef VCOST_CLI_VALUES_H
#define VCOST_CLI_VALUES_H

#include "base/error.h"
#include "cli/command.h"

/* Stores what `text` says in `field`, whose type follows from option->kind (command.h). `text` must live as
 * long as *field: file names are not copied. *field is untouched on failure. */
int value_read(const struct option_spec *option, const char *text, void *field, struct error *error);

/* True if options of this kind take a value. */
bool value_is_wanted(enum option_kind kind);

/* True if they take several, separated by commas. */
bool value_is_list(enum option_kind kind);

#endif
