/* What the laboratory's files share. */
#ifndef VCOST_EVENT_LAB_INTERNAL_H
#define VCOST_EVENT_LAB_INTERNAL_H

#include "domain/cpu.h"
#include "event/lab.h"

struct lab {
    struct domain *domain;
    struct domain_mode mode; /* of its first virtual CPU */
    struct second *second;   /* lab_second.c; NULL: there is none */
};

void lab_stop_second(struct lab *lab);

#endif
