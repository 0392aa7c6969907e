/* How far something that takes long has come, for whoever listens. */
#ifndef VCOST_BASE_PROGRESS_H
#define VCOST_BASE_PROGRESS_H

struct progress {
    /* `fraction` is done, of 1; seconds_left is NAN where it is not known. NULL: nobody listens. */
    void (*tell)(void *context, double fraction, double seconds_left, const char *what);
    void *context;
};

#endif
