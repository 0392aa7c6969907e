/* Short names for cells in a table: ids are alike, so what all of them share is told once. */
#ifndef VCOST_REPORT_COMPARE_NAMES_H
#define VCOST_REPORT_COMPARE_NAMES_H

#include "result/compare.h"

enum { NAME_PARTS_MAX = 16, NAME_BYTES = 160 };

struct compare_names {
    size_t parts;                /* of each id, separated by "/"; 0: ids are written whole */
    bool varies[NAME_PARTS_MAX]; /* a part that not all share */
};

struct compare_names compare_names_of(const struct compared_rows *rows);

/* "kvm/65536/4096" of "chase/kvm/random/65536/64/4096/4096". */
void compare_name(const struct compare_names *names, const char *id, char name[static NAME_BYTES]);

/* What the names are cut out of: "chase/.../random/.../64/.../4096"; "" where they are whole. Any row's id
 * will do. */
void compare_names_frame(const struct compare_names *names, const char *id, char frame[static NAME_BYTES]);

#endif
