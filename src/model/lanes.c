#include "model/lanes.h"

#include "model/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 4 }; /* on their way at once */

struct lane {
    struct pass_lanes *all;
    pthread_t thread; /* but for the first one, which is the caller's */
    struct pass_part part;
    uint64_t done; /* batches */
};

struct pass_lanes {
    struct model_pass *pass;
    struct lane lanes[MODEL_PASS_MAX];
    size_t count;
    pthread_mutex_t mutex; /* of all that follows, and of done; not of what is in batches on their way */
    pthread_cond_t changed;
    uint64_t given; /* batches */
    bool ends;
    struct batch {
        gva_t addresses[PASS_BATCH];
        size_t count;
        enum model_access access;
        struct model_found *found[MODEL_PASS_MAX]; /* of each that leads; owned */
    } batches[BATCHES];
};

/* ---- work ---- */

/* Is there a batch, and has the first lane, where those are that others follow, made it? */
static bool may_begin(const struct lane *lane)
{
    const struct pass_lanes *lanes = lane->all;
    return lanes->given > lane->done && (lane == lanes->lanes || lanes->lanes[0].done > lane->done);
}

static void make(struct lane *lane)
{
    const struct batch *batch = &lane->all->batches[lane->done % BATCHES];
    pass_make(lane->all->pass, &lane->part, batch->addresses, batch->count, batch->access, batch->found);
}

static void say_done(struct lane *lane)
{
    lane->done++;
    pthread_cond_broadcast(&lane->all->changed);
}

static void *run(void *context)
{
    struct lane *lane = context;
    struct pass_lanes *lanes = lane->all;
    pthread_mutex_lock(&lanes->mutex);
    for (;;) {
        while (!may_begin(lane) && !lanes->ends)
            pthread_cond_wait(&lanes->changed, &lanes->mutex);
        if (!may_begin(lane))
            break;
        pthread_mutex_unlock(&lanes->mutex);
        make(lane);
        pthread_mutex_lock(&lanes->mutex);
        say_done(lane);
    }
    pthread_mutex_unlock(&lanes->mutex);
    return NULL;
}

/* Until no other lane is that many batches behind. */
static void wait_for_others(struct pass_lanes *lanes, uint64_t behind)
{
    for (size_t i = 1; i < lanes->count; i++)
        while (lanes->given - lanes->lanes[i].done > behind)
            pthread_cond_wait(&lanes->changed, &lanes->mutex);
}

void lanes_give(struct pass_lanes *lanes, const gva_t *addresses, size_t count, enum model_access access)
{
    struct batch *batch = &lanes->batches[lanes->given % BATCHES];
    pthread_mutex_lock(&lanes->mutex);
    wait_for_others(lanes, BATCHES - 1);
    memcpy(batch->addresses, addresses, count * sizeof *addresses);
    batch->count = count;
    batch->access = access;
    lanes->given++;
    pthread_cond_broadcast(&lanes->changed);
    pthread_mutex_unlock(&lanes->mutex);
    make(lanes->lanes);
    pthread_mutex_lock(&lanes->mutex);
    say_done(lanes->lanes);
    pthread_mutex_unlock(&lanes->mutex);
}

void lanes_settle(struct pass_lanes *lanes)
{
    pthread_mutex_lock(&lanes->mutex);
    wait_for_others(lanes, 0);
    pthread_mutex_unlock(&lanes->mutex);
}

/* ---- making them ---- */

/* Those that have a model of their own. */
static size_t models_of(const struct model_pass *pass)
{
    size_t count = 0;
    for (size_t i = 0; i < pass->count; i++)
        count += pass->same[i] == i;
    return count;
}

/* About what one takes, for the shares to be alike: one that leads does all there is. */
static unsigned work_of(const struct model_pass *pass, size_t model)
{
    return pass->leaders[model] == model ? 3 : 2;
}

/* Do others, of models of their own, follow it? */
static bool has_followers(const struct model_pass *pass, size_t model)
{
    bool has = false;
    for (size_t i = 0; i < pass->count; i++)
        has |= i != model && pass->same[i] == i && pass->leaders[i] == model;
    return has;
}

/* Those that others follow are the first lane's, which waits for nobody: so no two lanes wait for one
 * another. The rest goes each to the lane that has least so far; the first one also makes the addresses. */
static void share_out(struct pass_lanes *lanes)
{
    const struct model_pass *pass = lanes->pass;
    unsigned work[MODEL_PASS_MAX] = {1};
    for (int followed = 1; followed >= 0; followed--)
        for (size_t i = 0; i < pass->count; i++) {
            size_t least = 0;
            if (pass->same[i] != i || has_followers(pass, i) != followed)
                continue;
            for (size_t k = 1; !followed && k < lanes->count; k++)
                least = work[k] < work[least] ? k : least;
            struct pass_part *part = &lanes->lanes[least].part;
            part->models[part->count++] = i;
            work[least] += work_of(pass, i);
        }
}

static bool make_room(struct pass_lanes *lanes)
{
    bool made = true;
    for (size_t i = 0; i < lanes->pass->count; i++)
        for (size_t k = 0; lanes->pass->leaders[i] == i && k < BATCHES; k++) {
            struct batch *batch = &lanes->batches[k];
            batch->found[i] = calloc(PASS_BATCH, sizeof **batch->found);
            made &= batch->found[i] != NULL;
        }
    return made;
}

static void free_all(struct pass_lanes *lanes)
{
    for (size_t k = 0; k < BATCHES; k++)
        for (size_t i = 0; i < MODEL_PASS_MAX; i++)
            free(lanes->batches[k].found[i]);
    pthread_cond_destroy(&lanes->changed);
    pthread_mutex_destroy(&lanes->mutex);
    free(lanes);
}

static void end(struct pass_lanes *lanes, size_t begun)
{
    pthread_mutex_lock(&lanes->mutex);
    lanes->ends = true;
    pthread_cond_broadcast(&lanes->changed);
    pthread_mutex_unlock(&lanes->mutex);
    for (size_t i = 1; i < begun; i++)
        pthread_join(lanes->lanes[i].thread, NULL);
    free_all(lanes);
}

struct pass_lanes *lanes_open(struct model_pass *pass, unsigned threads)
{
    size_t models = models_of(pass), count = threads < models ? threads : models, begun = 1;
    struct pass_lanes *lanes = count > 1 ? calloc(1, sizeof *lanes) : NULL;
    if (!lanes)
        return NULL;
    lanes->pass = pass;
    lanes->count = count;
    pthread_mutex_init(&lanes->mutex, NULL);
    pthread_cond_init(&lanes->changed, NULL);
    for (size_t i = 0; i < count; i++)
        lanes->lanes[i].all = lanes;
    share_out(lanes);
    if (!make_room(lanes)) {
        free_all(lanes);
        return NULL;
    }
    while (begun < count && pthread_create(&lanes->lanes[begun].thread, NULL, run, &lanes->lanes[begun]) == 0)
        begun++;
    if (begun == count)
        return lanes;
    end(lanes, begun);
    return NULL;
}

void lanes_close(struct pass_lanes *lanes)
{
    if (!lanes)
        return;
    lanes_settle(lanes);
    end(lanes, lanes->count);
}
