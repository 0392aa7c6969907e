/* A document that has a bit of everything: for the tests of the formats, and for a page to look at. */
#ifndef VCOST_TESTS_DEMO_DOCUMENT_H
#define VCOST_TESTS_DEMO_DOCUMENT_H

#include "report/document.h"

/* Fills an empty document. `word` stands in every place that can hold a text from outside. */
void demo_document(struct document *document, const char *word);

/* A table of so many rows with a chart of as many points, two curves. */
void demo_many_rows(struct document *document, size_t rows);

#endif
