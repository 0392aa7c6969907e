#include "domain/served/behind.h"

#include "domain/moved/address.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static enum follow_stage stage_of(const struct served *served)
{
    struct follow_told told = {.stage = FOLLOW_NONE};
    if (served->follow)
        follow_look(served->follow, &told);
    return told.stage;
}

/* A virtual CPU that waits for a page cannot always be stopped; it executes nothing as long as it waits. */
void behind_look(struct served *served)
{
    const enum follow_stage stage = stage_of(served);
    struct portable_status status;
    struct error error;
    if (stage == FOLLOW_BROKEN && !served->behind) {
        portable_status(served->portable, &status);
        served->behind = status.phase == PORTABLE_RUNNING && portable_pause(served->portable, &error) == 0;
    } else if (served->behind && (stage == FOLLOW_COMES || stage == FOLLOW_ALL)) {
        served->behind = false;
        (void)portable_resume(served->portable, &error);
    }
}

bool behind_is_given(const struct served *served)
{
    if (!served->moving)
        return false;
    const enum moved_stage stage = served->moving->told.stage;
    return stage == MOVED_BROKEN || (stage == MOVED_UNDECIDED && served->moving->request.post_copy);
}

int behind_check(const struct served *served, bool whole, struct error *error)
{
    const enum follow_stage stage = stage_of(served);
    if (served->moving && served->moving->told.stage == MOVED_BROKEN)
        return address_comes_again(served->moving->told.to)
                   ? error_set(error, EBUSY,
                         "the domain was given away, and only its memory is needed here: vcost domain "
                         "migrate "
                         "--reconnect %s ADDRESS",
                         served->claim->name)
                   : error_set(error, EBUSY,
                         "the domain was given away, and is lost, as a command cannot connect again: vcost "
                         "domain stop %s",
                         served->claim->name);
    if (whole && served->moving && served->moving->told.stage == MOVED_UNDECIDED)
        return error_set(error, EBUSY,
            "the domain was handed over, and may run at %.100s: decide first (vcost domain status %s tells "
            "how), else there could be two",
            served->moving->told.to, served->claim->name);
    if (stage == FOLLOW_BROKEN)
        return error_set(error, EBUSY,
            "memory of the domain is still at its source, and the link is broken: vcost domain migrate "
            "--reconnect there");
    return whole && stage == FOLLOW_COMES
               ? error_set(error, EBUSY, "memory of the domain is still on its way: wait until all is there")
               : 0;
}

void behind_report(const struct served *served, struct domain_report *report)
{
    struct error why;
    report->follows = served->follow != NULL;
    if (!served->follow)
        return;
    follow_look(served->follow, &report->follow);
    if (report->follow.stage != FOLLOW_BROKEN)
        return;
    follow_why(served->follow, &why);
    snprintf(report->sentence, sizeof report->sentence,
        "%" PRIu64 " pages of its memory are still at its source, and the link broke (%.200s): %s",
        report->follow.left, why.text,
        served->follow->accept
            ? "it stands still until vcost domain migrate --reconnect there; if its source "
              "has ended it is lost"
            : "it is lost, as that cannot connect again");
}
