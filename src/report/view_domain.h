/* What `vcost domain` says. */
#ifndef VCOST_REPORT_VIEW_DOMAIN_H
#define VCOST_REPORT_VIEW_DOMAIN_H

#include "domain/served/control.h"
#include "report/document.h"

struct domain_list {
    const struct domain_report *reports;
    size_t count;
};

/* How a migration went. */
void view_moved(const struct domain_report *report, struct document *document);
void view_domains(const struct domain_list *list, struct document *document);

/* One that runs or has ended. */
void view_domain(const struct domain_report *report, struct document *document);

#endif
