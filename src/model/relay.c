#include "model/relay.h"

#include "model/many.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Slots; so many are given at once; and who has to wait does so until there are so many to go on with, since
 * being woken up takes as long as some of them. */
enum { SLOTS = 64, AT_ONCE = 8, WORTH = SLOTS / 2 };

struct relay {
    struct model *model;
    pthread_t thread;
    uint64_t filled; /* slots: the first thread's own */
    pthread_mutex_t mutex;
    pthread_cond_t more, less; /* are given; are on their way */
    uint64_t given, done;      /* slots */
    bool settles, ends;
    struct slot {
        struct many many;
        gva_t addresses[MODEL_AT_ONCE];
        struct model_found found[MODEL_AT_ONCE];
    } slots[SLOTS];
};

static uint64_t on_their_way(const struct relay *relay)
{
    return relay->given - relay->done;
}

static void serve(struct relay *relay, uint64_t from, uint64_t end)
{
    for (uint64_t i = from; i < end; i++)
        many_serve(relay->model, &relay->slots[i % SLOTS].many);
}

/* ---- the second thread ---- */

/* False: there will be none. */
static bool wait_for_more(struct relay *relay)
{
    const bool idle = on_their_way(relay) == 0;
    while (!relay->ends &&
           (on_their_way(relay) == 0 || (idle && on_their_way(relay) < WORTH && !relay->settles)))
        pthread_cond_wait(&relay->more, &relay->mutex);
    return on_their_way(relay) > 0;
}

static void *run(void *context)
{
    struct relay *relay = context;
    pthread_mutex_lock(&relay->mutex);
    while (wait_for_more(relay)) {
        const uint64_t from = relay->done, some = on_their_way(relay),
                       end = from + (some < AT_ONCE ? some : AT_ONCE);
        pthread_mutex_unlock(&relay->mutex);
        serve(relay, from, end);
        pthread_mutex_lock(&relay->mutex);
        relay->done = end;
        if (on_their_way(relay) <= (relay->settles ? 0 : WORTH))
            pthread_cond_signal(&relay->less);
    }
    pthread_mutex_unlock(&relay->mutex);
    return NULL;
}

/* ---- the first ---- */

/* What is filled, and until slots are free that will be. */
static void give(struct relay *relay)
{
    pthread_mutex_lock(&relay->mutex);
    relay->given = relay->filled;
    if (on_their_way(relay) >= WORTH)
        pthread_cond_signal(&relay->more);
    if (on_their_way(relay) > SLOTS - AT_ONCE)
        while (on_their_way(relay) > WORTH)
            pthread_cond_wait(&relay->less, &relay->mutex);
    pthread_mutex_unlock(&relay->mutex);
}

/* What has not been given is done here: there is nobody to be woken up for it. */
void relay_settle(struct relay *relay)
{
    if (!relay)
        return;
    pthread_mutex_lock(&relay->mutex);
    relay->settles = true;
    pthread_cond_signal(&relay->more);
    while (on_their_way(relay) > 0)
        pthread_cond_wait(&relay->less, &relay->mutex);
    relay->settles = false;
    serve(relay, relay->done, relay->filled);
    relay->done = relay->given = relay->filled;
    pthread_mutex_unlock(&relay->mutex);
}

static void hand_on(struct relay *relay)
{
    if (++relay->filled - relay->given == AT_ONCE)
        give(relay);
}

static void lead(struct relay *relay, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    struct slot *slot = &relay->slots[relay->filled % SLOTS];
    memcpy(slot->addresses, addresses, count * sizeof *addresses);
    slot->many.count = count;
    slot->many.access = access;
    const enum many_way way = many_find(relay->model, &slot->many);
    if (way != MANY_APART) {
        relay_settle(relay);
        many_finish(relay->model, &slot->many, way);
    }
    memcpy(found, slot->found, count * sizeof *found);
    if (way == MANY_APART)
        hand_on(relay);
}

void relay_lead(struct relay *relay, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found)
{
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < MODEL_AT_ONCE ? count - done : MODEL_AT_ONCE;
        lead(relay, addresses + done, some, access, found + done);
    }
}

/* ---- making it ---- */

static void end(struct relay *relay)
{
    pthread_cond_destroy(&relay->less);
    pthread_cond_destroy(&relay->more);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}

struct relay *relay_open(struct model *model)
{
    struct relay *relay = many_go_apart(model) ? calloc(1, sizeof *relay) : NULL;
    if (!relay)
        return NULL;
    relay->model = model;
    for (size_t i = 0; i < SLOTS; i++) {
        relay->slots[i].many.addresses = relay->slots[i].addresses;
        relay->slots[i].many.found = relay->slots[i].found;
    }
    pthread_mutex_init(&relay->mutex, NULL);
    pthread_cond_init(&relay->more, NULL);
    pthread_cond_init(&relay->less, NULL);
    if (pthread_create(&relay->thread, NULL, run, relay) == 0)
        return relay;
    end(relay);
    return NULL;
}

void relay_close(struct relay *relay)
{
    if (!relay)
        return;
    relay_settle(relay);
    pthread_mutex_lock(&relay->mutex);
    relay->ends = true;
    pthread_cond_signal(&relay->more);
    pthread_mutex_unlock(&relay->mutex);
    pthread_join(relay->thread, NULL);
    end(relay);
}
