/* The report of the experiment "events": the price list and what is to be said about it. */
#ifndef VCOST_REPORT_PRICE_REPORT_H
#define VCOST_REPORT_PRICE_REPORT_H

#include "base/error.h"
#include "result/result.h"
#include "report/style.h"

#include <stdio.h>

/* For a terminal, without the headline. */
int price_report_write(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error);

/* As Markdown, without the headline. */
int price_report_markdown(const struct result *result, FILE *stream, struct error *error);

#endif
