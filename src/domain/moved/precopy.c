#include "domain/moved/sender.h"

#include "base/size.h"

#include <errno.h>
#include <math.h>

enum { PASSES_MAX = 1000 };

/* ---- agreeing ---- */

/* The other streams say whose they are. */
static int join_streams(struct sender *sender, struct error *error)
{
    int rc = 0;
    for (unsigned i = 1; rc == 0 && i < sender->streams.count; i++)
        rc = moved_send(
            &sender->streams.list[i].wire, WIRE_JOIN, i, 0, sender->moving->token, WIRE_TOKEN_BYTES, error);
    return rc;
}

/* The domain is stopped once, for some ten microseconds: what it has is in its state. */
int sender_offer(struct sender *sender, struct error *error)
{
    struct handover handover;
    struct moved_header header;
    struct error resumed;
    double begun = timeline_now();
    int rc = portable_pause(sender->moving->portable, error);
    if (rc < 0)
        return rc;
    rc = sender_state(sender, true, &handover, error);
    if (sender->was_running && portable_resume(sender->moving->portable, &resumed) < 0 && rc == 0)
        rc = error_set(error, resumed.code, "%s", resumed.text);
    sender->look_seconds = timeline_now() - begun;
    pthread_mutex_lock(&sender->moving->lock);
    sender->moving->told.look_ms = sender->look_seconds * 1e3;
    pthread_mutex_unlock(&sender->moving->lock);
    if (rc == 0)
        rc = sender_hand(sender, WIRE_OFFER, &handover, error);
    machine_state_free(&handover.state);
    if (rc < 0 || (rc = moved_expect(sender_wire(sender), WIRE_READY, &header, error)) < 0)
        return rc;
    sender->converge = (struct converge){.max_downtime = sender->moving->request.max_downtime,
        .fixed = sender->look_seconds + (double)header.at / 1e9,
        .before = sender->pages};
    return sender->moving->request.check ? 0 : join_streams(sender, error);
}

/* ---- while it runs ---- */

/* Until all of it has come there: what stands in buffers is not sent. */
static int wait_for_pass(struct sender *sender, struct converge_pass *passed, struct error *error)
{
    struct moved_header header;
    double begun = timeline_now();
    int rc = moved_expect(sender_wire(sender), WIRE_PASSED, &header, error);
    passed->seconds += timeline_now() - begun;
    return rc;
}

static enum converge_step judge_pass(struct sender *sender, const struct converge_pass *passed)
{
    struct moved_told *told = &sender->moving->told;
    const double second = passed->seconds > 0 ? 1 / passed->seconds : NAN;
    double expected;
    enum converge_step step = converge_step(&sender->converge, passed, &expected);
    pthread_mutex_lock(&sender->moving->lock);
    told->passes = sender->passes;
    told->left = passed->left;
    told->bandwidth = passed->sent ? (double)passed->sent * WIRE_PAGE_BYTES * second : told->bandwidth;
    told->written = (double)passed->left * WIRE_PAGE_BYTES * second;
    told->expected_ms = expected * 1e3;
    pthread_mutex_unlock(&sender->moving->lock);
    return step;
}

static int give_up(struct sender *sender, const char *what, struct error *error)
{
    const struct moved_told *told = &sender->moving->told;
    char written[SIZE_TEXT_BYTES], sent[SIZE_TEXT_BYTES];
    size_text(isnan(told->written) ? 0 : (uint64_t)told->written, written);
    size_text(isnan(told->bandwidth) ? 0 : (uint64_t)told->bandwidth, sent);
    return error_set(error, ETIME,
        "%s and the domain would still stand still for %.0f ms (it writes %s a second, and the link takes %s "
        "a "
        "second): allow more (--max-downtime, --max-bandwidth, --timeout), slow it down (--throttle), or "
        "--at-timeout "
        "stop",
        what, told->expected_ms, written, sent);
}

static bool is_late(const struct sender *sender)
{
    const double timeout = sender->moving->request.timeout;
    return timeout > 0 && timeline_now() - sender->moving->begun >= timeout;
}

int sender_copy(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    struct converge_pass passed;
    timeline_mark(&moving->timeline, TIMELINE_LOG);
    int rc = portable_log(moving->portable, true, error);
    if (rc == 0)
        rc = sender_look(sender, &passed.left, error);
    sender_stage(sender, MOVED_COPYING);
    timeline_mark(&moving->timeline, TIMELINE_LOGGING);
    for (enum converge_step step = CONVERGE_GO_ON; rc == 0 && step != CONVERGE_STOP;) {
        if (moving->request.post_copy && sender->passes == moving->request.passes)
            break;
        timeline_mark(&moving->timeline, TIMELINE_PASS);
        if ((rc = sender_pass(sender, true, &passed, error)) < 0 ||
            (rc = wait_for_pass(sender, &passed, error)) < 0 ||
            (rc = sender_look(sender, &passed.left, error)) < 0)
            break;
        step = judge_pass(sender, &passed);
        if (!sender->was_running)
            break;
        if (step == CONVERGE_STUCK)
            (void)throttle_more(&moving->throttle, moving->request.throttle);
        bool late = is_late(sender);
        if (step != CONVERGE_STOP && (late || sender->passes == PASSES_MAX)) {
            if (!moving->request.finish_late)
                rc = give_up(sender, late ? "the time is up," : "it was sent a thousand times,", error);
            break;
        }
    }
    return rc;
}
