/* The "host" part of a result file: the machine and, in it, what KVM does on it. */
#ifndef VCOST_RESULT_JSON_HOST_H
#define VCOST_RESULT_JSON_HOST_H

#include "host/host.h"
#include "monitor/monitor_facts.h"
#include "record/json_draft.h"

/* A new object; the caller owns it. */
json_t *json_host(struct draft *draft, const struct host *host, const struct monitor_facts *kvm);

/* Puts "technique": its name, null with a reason where it is not known. */
void put_technique(struct draft *draft, json_t *object, enum technique technique, const char *reason);

#endif
