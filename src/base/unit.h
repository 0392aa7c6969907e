/* What a figure is in. One list for findings, records and documents; formatted for people only in report/. */
#ifndef VCOST_BASE_UNIT_H
#define VCOST_BASE_UNIT_H

enum unit {
    UNIT_TEXT,   /* no number: words */
    UNIT_YES_NO, /* 1 or 0 */
    UNIT_NS,     /* a time, or what one costs each */
    UNIT_BYTES,
    UNIT_COUNT,
    UNIT_SHARE,  /* of a whole: 0.05 is 5 % */
    UNIT_RATIO,  /* how many times */
    UNIT_CHANGE, /* a ratio that people read as its difference from one: 1.013 is +1.3 % */
    UNITS
};

extern const char *const unit_names[UNITS];
/* "words", "yes-no", "ns", "bytes", "count", "share", "ratio", "change": in files. Static. */
const char *unit_name(enum unit unit);

#endif
