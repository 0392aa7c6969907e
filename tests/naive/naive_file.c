#include "naive_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const json_t *member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value) {
        fprintf(stderr, "a machine's file has no %s\n", name);
        abort();
    }
    return value;
}

static unsigned number(const json_t *object, const char *name)
{
    return (unsigned)json_integer_value(member(object, name));
}

static bool yes(const json_t *object, const char *name)
{
    return json_is_true(member(object, name));
}

static bool says(const json_t *object, const char *name, const char *what)
{
    return strcmp(json_string_value(member(object, name)), what) == 0;
}

static struct naive_shape shape_of(const json_t *object, unsigned entries)
{
    return (struct naive_shape){entries, number(object, "ways"),
        says(object, "index", "bits")  ? NAIVE_BITS
        : says(object, "index", "xor") ? NAIVE_XOR
                                       : NAIVE_HASH,
        says(object, "replacement", "lru")    ? NAIVE_LRU
        : says(object, "replacement", "fifo") ? NAIVE_FIFO
                                              : NAIVE_RANDOM};
}

static void read_caches(const json_t *list, struct naive_file *file)
{
    file->cache_count = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < file->cache_count; i++) {
        const json_t *from = json_array_get(list, i);
        file->caches[i] = (struct naive_cache){number(from, "level"), number(from, "cycles"),
            !says(from, "use", "instructions"), !says(from, "use", "data"),
            says(from, "holds", "inclusive")   ? NAIVE_INCLUSIVE
            : says(from, "holds", "exclusive") ? NAIVE_EXCLUSIVE
                                               : NAIVE_EITHER,
            shape_of(from, number(from, "bytes") / 64)};
    }
}

static void read_tlbs(const json_t *list, struct naive_file *file)
{
    file->tlb_count = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < file->tlb_count; i++) {
        const json_t *from = json_array_get(list, i), *pages = member(from, "pages");
        struct naive_tlb *tlb = &file->tlbs[i];
        *tlb = (struct naive_tlb){number(from, "level"), number(from, "cycles"),
            !says(from, "use", "instructions"), !says(from, "use", "data"),
            .shape = shape_of(from, number(from, "entries"))};
        for (size_t k = 0; k < json_array_size(pages); k++) {
            json_int_t bytes = json_integer_value(json_array_get(pages, k));
            tlb->pages[bytes == 4096 ? 0 : bytes == 2 << 20 ? 1 : 2] = true;
        }
    }
}

static unsigned read_walk_caches(const json_t *list, struct naive_walk_cache *caches)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *from = json_array_get(list, i), *levels = member(from, "levels");
        caches[i] = (struct naive_walk_cache){
            .cycles = number(from, "cycles"), .shape = shape_of(from, number(from, "entries"))};
        for (size_t k = 0; k < json_array_size(levels); k++)
            caches[i].levels[json_integer_value(json_array_get(levels, k))] = true;
    }
    return (unsigned)json_array_size(list);
}

static void read_nested(const json_t *nested, struct naive_file *file)
{
    file->nested = json_is_object(nested);
    file->nested_levels = file->levels;
    if (!file->nested)
        return;
    const json_t *tlb = member(nested, "tlb");
    file->nested_levels = number(nested, "levels");
    file->nested_walk_cache_count = read_walk_caches(member(nested, "walk_caches"), file->nested_walk_caches);
    file->nested_tlb = json_is_object(tlb);
    if (!file->nested_tlb)
        return;
    file->nested_shape = shape_of(tlb, number(tlb, "entries"));
    file->nested_cycles = number(tlb, "cycles");
    file->nested_data = yes(tlb, "data");
}

static void read_costs(const json_t *costs, struct naive_file *file)
{
    file->exit = number(costs, "exit");
    file->fault = number(costs, "fault");
    file->page_switch = number(costs, "switch");
    file->flush_page = number(costs, "flush_page");
    file->hypercall = number(costs, "hypercall");
    file->hidden_fault = number(costs, "hidden_fault");
    file->table_store = number(costs, "table_store");
    file->table_sync = number(costs, "table_sync");
    file->nested_fault = number(costs, "nested_fault");
}

static void read_prefetchers(const json_t *list, struct naive_file *file)
{
    file->prefetcher_count = (unsigned)json_array_size(list); /* of NULL: 0 */
    for (unsigned i = 0; i < file->prefetcher_count; i++) {
        const json_t *from = json_array_get(list, i);
        file->prefetchers[i] = (struct naive_prefetcher){says(from, "kind", "region"), yes(from, "crosses"),
            number(from, "misses"), number(from, "fills"), number(from, "trackers"), number(from, "after"),
            number(from, "distance"), number(from, "ahead"), number(from, "behind"),
            number(from, "in_flight")};
    }
}

void naive_file_read(const char *path, struct naive_file *file)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root) {
        fprintf(stderr, "%s: line %d: %s\n", path, error.line, error.text);
        abort();
    }
    *file =
        (struct naive_file){.levels = number(root, "levels"), .ghz = json_number_value(member(root, "ghz"))};
    snprintf(file->name, sizeof file->name, "%s", json_string_value(member(root, "name")));
    read_caches(member(root, "caches"), file);
    read_tlbs(member(root, "tlbs"), file);
    file->walk_cache_count = read_walk_caches(member(root, "walk_caches"), file->walk_caches);
    read_nested(member(root, "nested"), file);
    read_costs(member(root, "costs"), file);
    file->memory = number(member(root, "memory"), "cycles");
    file->remote = number(member(root, "memory"), "remote_cycles");
    file->walk_first = number(member(root, "walker"), "cache_level");
    file->walk_cycles = number(member(root, "walker"), "cycles");
    file->set_bit_cycles = number(member(root, "walker"), "set_bit_cycles");
    file->guest_tags = yes(member(root, "tags"), "guests");
    file->process_tags = yes(member(root, "tags"), "processes");
    read_prefetchers(json_object_get(root, "prefetchers"), file);
    json_decref(root);
}
