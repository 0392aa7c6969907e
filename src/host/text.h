/* Picking values out of the text that the kernel shows in /proc and /sys. Nothing here trusts the text:
 * numbers that do not fit are refused, copies are cut at the buffer's end, and what could disturb a terminal
 * is replaced. */
#ifndef VCOST_HOST_TEXT_H
#define VCOST_HOST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads an unsigned decimal number after optional blanks. Returns where it ends, or NULL (and leaves *value
 * alone) if there is none or it does not fit 64 bits. */
const char *text_number(const char *text, uint64_t *value);

/* The number of CPUs or nodes in a list as the kernel writes it, "0-3,8". 0 if it is no such list. */
unsigned text_list_count(const char *list);

/* Copies the value of the first line "name<blanks><separator><blanks>value" of a text into value[size],
 * without the blanks around it; a separator of ' ' stands for blanks alone. A value too long is cut. False if
 * no line has this name. */
bool text_value(const char *text, const char *name, char separator, char *value, size_t size);

/* The same for a value that starts with a number. */
bool text_value_number(const char *text, const char *name, char separator, uint64_t *value);

/* Takes the blanks and line ends off both ends and puts '?' for every byte that is not printable ASCII. */
void text_trim(char *text);

/* Whether a list with blanks in between has a word. */
bool text_has_word(const char *list, const char *word);

/* Copies at most size-1 bytes and ends them with NUL. */
void text_copy(char *to, size_t size, const char *from);

#endif
