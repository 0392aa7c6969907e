/* The facts about machine and settings in a result file. */
#ifndef VCOST_RESULT_SAVED_FACTS_H
#define VCOST_RESULT_SAVED_FACTS_H

#include "record/json_take.h"
#include "result/saved.h"

/* Puts them into saved->facts, owned. A fact that the file lacks is one that it does not tell. */
void saved_take_facts(struct take *take, const json_t *root, struct saved *saved);

#endif
