#include "monitor/deprivileged/run.h"

/* Whether the second goes on where the first ends. */
static bool continues(const struct run *first, const struct run *second)
{
    return first->kind == second->kind && first->touched == second->touched &&
           first->root.value == second->root.value &&
           first->from.value + first->bytes == second->from.value &&
           (first->kind == RUN_UNMAP || first->rights == second->rights) &&
           (first->kind != RUN_MAP || first->to.value + first->bytes == second->to.value);
}

void run_list_hand_over(struct run_list *list)
{
    struct error error;
    int rc = list->count ? list->carry_out(list->context, list->runs, list->count, &error) : 0;
    list->count = 0;
    if (rc < 0 && !list->failed) {
        list->failed = rc;
        list->error = error;
    }
}

void run_list_add(struct run_list *list, const struct run *run)
{
    struct run *last = list->count ? &list->runs[list->count - 1] : NULL;
    if (last && continues(last, run)) {
        last->bytes += run->bytes;
        return;
    }
    if (list->count == sizeof list->runs / sizeof *list->runs)
        run_list_hand_over(list);
    list->runs[list->count++] = *run;
}

int run_list_flush(struct run_list *list, struct error *error)
{
    run_list_hand_over(list);
    int rc = list->failed;
    list->failed = 0;
    if (rc < 0 && error)
        *error = list->error;
    return rc;
}
