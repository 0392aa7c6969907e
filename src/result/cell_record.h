/* A cell of a result as JSON (record.h). */
#ifndef VCOST_RESULT_CELL_RECORD_H
#define VCOST_RESULT_CELL_RECORD_H

#include "record/record.h"

extern const struct record cell_record; /* of struct result_cell */

#endif
