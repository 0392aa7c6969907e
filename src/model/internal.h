/* A model from within. */
#ifndef VCOST_MODEL_INTERNAL_H
#define VCOST_MODEL_INTERNAL_H

#include "model/ahead.h"
#include "model/model.h"
#include "model/walk.h"

enum { MODEL_SPACES = 8 };

/* What has become of a guest's table, by its number in the guest's ground. */
enum table_state { TABLE_GUARDED, TABLE_OUT_OF_SYNC, TABLE_NESTED };

struct model {
    struct model_config config;
    const struct machine *machine;
    struct account account;
    struct caches caches;
    struct tlbs tlbs;
    struct walker walker;
    struct model_ground guest_ground, host_ground; /* guest's: of guest physical memory; not native */
    /* native: walked alone. The others: guest's and host's, and but for nested what is made of both, walked.
     */
    struct page_tables guest, host, walked;
    struct walk_dimension guest_walk, host_walk, walked_walk;
    struct ahead ahead, host_ahead; /* of the guest's tables (nested) or of those walked; of the host's */
    unsigned space;
    unsigned char *states; /* enum table_state of the guest's tables; owned */
    size_t state_count;
    uint32_t *out_of_sync; /* numbers of tables; room for all; owned */
    size_t out_of_sync_count;
};

/* Is it one that walks tables made of the guest's and the host's? */
static inline bool model_combines(const struct model *model)
{
    return model->config.technique == MODEL_DIRECT || model->config.technique == MODEL_SHADOW ||
           model->config.technique == MODEL_AGILE;
}

/* model_map.c: gives the host's page around a guest physical address, if there is none. */
int model_back(struct model *model, uint64_t physical, struct error *error);
/* Maps what the guest and the host have for an address in the walked tables, or shows it again. -EFAULT: they
 * have nothing. */
int model_combine(struct model *model, uint64_t address, struct error *error);
/* Space for what becomes of tables. */
int model_make_states(struct model *model, struct error *error);

/* model_events.c */
void model_leave_guest(struct model *model, uint64_t handling);
bool model_repair(struct model *model, enum walk_end end, uint64_t address, const struct walk_result *result);

#endif
