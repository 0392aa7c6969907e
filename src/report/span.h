/* A range of values. */
#ifndef VCOST_REPORT_SPAN_H
#define VCOST_REPORT_SPAN_H

struct span {
    double low, high;
};

#endif
