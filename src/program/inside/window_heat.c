/* What a program touched, by the accessed bits of the guest's tables. */
#include "domain/memory.h"
#include "program/inside/window_internal.h"

void window_watch(struct window *window)
{
    domain_tables(window->domain)->preset &= ~PAGE_BIT_ACCESSED;
    window->watched = true;
}

int window_harvest(struct window *window, void (*each)(void *context, const struct page_leaf *leaf),
    void (*end)(void *context), void *context, struct error *error)
{
    int rc = 0;
    const struct area *area;
    pthread_mutex_lock(&window->lock);
    for (uint64_t at = 0; rc == 0 && (area = areas_from(&window->areas, at)); at = area->to)
        rc = domain_harvest(window->domain, GVA(area->from), area->to - area->from, each, context, error);
    if (rc == 0)
        rc = domain_forget(window->domain, error);
    if (rc == 0)
        end(context);
    pthread_mutex_unlock(&window->lock);
    return rc;
}
