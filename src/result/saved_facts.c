#include "result/saved_facts.h"

#include "result/finding.h"
#include "report/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A machine has dozens of mitigations and parameters at most. */
enum { KEYS_MAX = 500, SETTINGS_BYTES = 1024 };

struct reader {
    struct take *take;
    struct saved *saved;
    const char *name; /* of the fact that is read */
};

static void add_fact(const struct reader *reader, const char *key, const char *text)
{
    struct saved *saved = reader->saved;
    struct saved_fact *grown = reallocarray(saved->facts, saved->fact_count + 1, sizeof *grown);
    if (!grown) {
        take_no_memory(reader->take);
        return;
    }
    saved->facts = grown;
    grown[saved->fact_count++] = (struct saved_fact){
        .name = reader->name,
        .key = key ? take_copy(reader->take, key) : NULL,
        .text = text ? take_copy(reader->take, text) : NULL,
    };
}

static void text_fact(const struct reader *reader, const json_t *value)
{
    add_fact(reader, NULL, json_string_value(value));
}

static void count_fact(const struct reader *reader, const json_t *value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    add_fact(reader, NULL, text);
}

/* As people read it: what three digits do not show is no difference. */
static void size_fact(const struct reader *reader, const json_t *value)
{
    json_int_t bytes = json_integer_value(value);
    add_fact(reader, NULL, format_size(bytes > 0 ? (uint64_t)bytes : 0).text);
}

static void flag_fact(const struct reader *reader, const json_t *value)
{
    add_fact(reader, NULL, json_is_true(value) ? "yes" : "no");
}

static void length_fact(const struct reader *reader, const json_t *value)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", json_array_size(value));
    add_fact(reader, NULL, text);
}

static void keyed_facts(const struct reader *reader, const json_t *value)
{
    const char *key;
    json_t *each;
    if (json_object_size(value) > KEYS_MAX)
        take_refuse(reader->take, "%s: %zu names are too many", reader->name, json_object_size(value));
    json_object_foreach((json_t *)value, key, each)
    {
        if (!reader->take->status)
            add_fact(reader, key, json_string_value(each));
    }
}

static const char *told(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "not told";
}

/* What the machines are that agents ran on (--on command:CMD). */
static void agent_facts(const struct reader *reader, const json_t *value)
{
    if (json_array_size(value) > KEYS_MAX)
        take_refuse(reader->take, "agents: %zu are too many", json_array_size(value));
    for (size_t i = 0; !reader->take->status && i < json_array_size(value); i++) {
        const json_t *agent = json_array_get(value, i);
        char text[256];
        snprintf(text, sizeof text, "%.80s, Linux %.60s, vcost %.20s, guest of %.40s",
            told(agent, "cpu_brand"), told(agent, "kernel"), told(agent, "version"),
            json_is_false(json_object_get(agent, "is_guest")) ? "nothing" : told(agent, "guest_of"));
        add_fact(reader, told(agent, "monitor"), text);
    }
}

/* What `vcost inspect` found is held against the other's as facts, except for figures that were measured, or
 * judged from such: their change needs an interval, which their cells give. Figures that are details, as of
 * memory that is free just now, are no differences between machines. */
static bool is_fact(const json_t *finding)
{
    const char *source = json_string_value(json_object_get(finding, "source"));
    return !json_is_number(json_object_get(finding, "value")) ||
           (source && !strcmp(source, finding_source_name(FINDING_TOLD)) &&
               !json_is_true(json_object_get(finding, "detail")));
}

/* As people read it. A yes or no has its words instead where there are some: "partly". */
static void finding_text(const json_t *value, const char *unit, const char *words, char text[static 256])
{
    bool bytes = !strcmp(unit, unit_name(UNIT_BYTES));
    double number = json_number_value(value);
    if (json_is_string(value))
        snprintf(text, 256, "%.255s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(text, 256, "%.250s", words && words[0] ? words : json_is_true(value) ? "yes" : "no");
    else if (bytes && number >= 0 && number < 0x1p62)
        snprintf(text, 256, "%s", format_size((uint64_t)number).text);
    else
        snprintf(text, 256, "%.6g", number);
}

static bool has_fact(const struct reader *reader, const char *key)
{
    for (size_t i = reader->saved->fact_count; i-- > 0;)
        if (reader->saved->facts[i].name == reader->name && !strcmp(reader->saved->facts[i].key, key))
            return true;
    return false;
}

static void finding_fact(const struct reader *reader, const json_t *object)
{
    struct take *take = reader->take;
    const json_t *name = take_value(take, object, "name", TAKE(JSON_STRING));
    const json_t *key = take_value(take, object, "key", TAKE(JSON_STRING) | TAKE(JSON_NULL));
    const json_t *unit = take_value(take, object, "unit", TAKE(JSON_STRING));
    const json_t *words = take_value(take, object, "text", TAKE(JSON_STRING) | TAKE(JSON_NULL));
    const json_t *value = take_value(take, object, "value",
        TAKE(JSON_STRING) | TAKE(JSON_TRUE) | TAKE(JSON_FALSE) | TAKE(JSON_INTEGER) | TAKE(JSON_REAL) |
            TAKE(JSON_NULL));
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES], text[256];
    if (take->status || json_is_null(value) || !is_fact(object))
        return;
    snprintf(label, sizeof label, "%.*s%s%.*s", FINDING_NAME_BYTES - 1, json_string_value(name),
        json_is_string(key) ? " " : "", FINDING_KEY_BYTES - 1,
        json_is_string(key) ? json_string_value(key) : "");
    finding_text(value, json_string_value(unit), json_string_value(words), text);
    if (!has_fact(reader, label))
        add_fact(reader, label, text);
}

static void finding_facts(const struct reader *reader, const json_t *value)
{
    if (json_array_size(value) > KEYS_MAX)
        take_refuse(reader->take, "findings: %zu are too many", json_array_size(value));
    for (size_t i = 0; !reader->take->status && i < json_array_size(value); i++) {
        snprintf(reader->take->where, sizeof reader->take->where, "findings[%zu]", i);
        finding_fact(reader, json_array_get(value, i));
    }
}

/* Options that change where a result goes and not what it is. */
static const struct {
    const char *name;
    bool value;
} output_options[] = {{"--json", true}, {"--csv", true}, {"--markdown", true}, {"--svg", true},
    {"--color", true}, {"--quiet", false}, {"-q", false}, {"--openmetrics", true}, {"--fail-on", true},
    {"--verbose", false}, {"-v", false}};

/* How many words from this one on say only where the result goes. */
static size_t output_words(const char *word)
{
    for (size_t i = 0; i < sizeof output_options / sizeof *output_options; i++) {
        size_t length = strlen(output_options[i].name);
        if (!strcmp(word, output_options[i].name))
            return output_options[i].value ? 2 : 1;
        if (output_options[i].value && !strncmp(word, output_options[i].name, length) && word[length] == '=')
            return 1;
    }
    return 0;
}

/* The command line without the program's own name. */
static void settings_fact(const struct reader *reader, const json_t *words)
{
    char text[SETTINGS_BYTES] = "";
    size_t used = 0;
    for (size_t i = 1; i < json_array_size(words) && used < sizeof text; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        size_t skip = word ? output_words(word) : 0;
        if (!word)
            take_refuse(reader->take, "command[%zu] is no text", i);
        else if (skip)
            i += skip - 1;
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", word);
    }
    add_fact(reader, NULL, text);
}

/* In the order in which they are told. The path leads through objects; each kind of value has its types. */
static const struct {
    const char *name, *path[4];
    unsigned types;
    void (*read)(const struct reader *reader, const json_t *value);
} facts[] = {
    {"CPU", {"host", "cpu", "brand"}, TAKE(JSON_STRING), text_fact},
    {"CPU vendor", {"host", "cpu", "vendor"}, TAKE(JSON_STRING), text_fact},
    {"CPU family", {"host", "cpu", "family"}, TAKE(JSON_INTEGER), count_fact},
    {"CPU model", {"host", "cpu", "model"}, TAKE(JSON_INTEGER), count_fact},
    {"CPU stepping", {"host", "cpu", "stepping"}, TAKE(JSON_INTEGER), count_fact},
    {"microcode", {"host", "cpu", "microcode"}, TAKE(JSON_STRING), text_fact},
    {"number of CPU features", {"host", "cpu", "features"}, TAKE(JSON_ARRAY), length_fact},
    {"CPUs online", {"host", "cpus_online"}, TAKE(JSON_INTEGER), count_fact},
    {"CPU that it ran on", {"cpu"}, TAKE(JSON_INTEGER), count_fact},
    {"kernel", {"host", "kernel"}, TAKE(JSON_STRING), text_fact},
    {"memory", {"host", "memory_bytes"}, TAKE(JSON_INTEGER), size_fact},
    {"NUMA nodes", {"host", "numa_nodes"}, TAKE(JSON_INTEGER), count_fact},
    {"transparent huge pages", {"host", "thp"}, TAKE(JSON_STRING), text_fact},
    {"native is itself a guest", {"host", "virtualization", "is_guest"}, TAKE(JSON_TRUE) | TAKE(JSON_FALSE),
        flag_fact},
    {"hypervisor below", {"host", "virtualization", "guest_of"}, TAKE(JSON_STRING), text_fact},
    {"KVM usable", {"host", "kvm", "usable"}, TAKE(JSON_TRUE) | TAKE(JSON_FALSE), flag_fact},
    {"KVM technique", {"host", "kvm", "technique"}, TAKE(JSON_STRING), text_fact},
    {"KVM provider", {"host", "kvm", "provider"}, TAKE(JSON_STRING), text_fact},
    {"KVM parameter", {"host", "kvm", "parameters"}, TAKE(JSON_OBJECT), keyed_facts},
    {"frequency governor", {"host", "governor"}, TAKE(JSON_STRING), text_fact},
    {"turbo", {"host", "turbo"}, TAKE(JSON_STRING), text_fact},
    {"SMT", {"host", "smt"}, TAKE(JSON_STRING), text_fact},
    {"mitigation", {"host", "mitigations"}, TAKE(JSON_OBJECT), keyed_facts},
    {"other machine", {"agents"}, TAKE(JSON_ARRAY), agent_facts},
    {"finding", {"findings"}, TAKE(JSON_ARRAY), finding_facts},
    {"vcost version", {"tool", "version"}, TAKE(JSON_STRING), text_fact},
    {"vcost build", {"tool", "build"}, TAKE(JSON_STRING), text_fact},
    {"experiment", {"experiment"}, TAKE(JSON_STRING), text_fact},
    {"settings", {"command"}, TAKE(JSON_ARRAY), settings_fact},
    {"seed", {"seed"}, TAKE(JSON_INTEGER), count_fact},
};

/* The object that holds the last name of the path; NULL if the file has none. */
static const json_t *holder(
    struct take *take, const json_t *root, const char *const path[4], const char **last)
{
    size_t used = 0;
    take->where[0] = 0;
    for (; path[1] && root; path++) {
        root = json_object_get(root, path[0]) ? take_value(take, root, path[0], TAKE(JSON_OBJECT)) : NULL;
        used +=
            (size_t)snprintf(take->where + used, sizeof take->where - used, "%s%s", used ? "." : "", path[0]);
    }
    *last = path[0];
    return root;
}

void saved_take_facts(struct take *take, const json_t *root, struct saved *saved)
{
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        struct reader reader = {take, saved, facts[i].name};
        const char *last;
        const json_t *object = holder(take, root, facts[i].path, &last);
        if (!object || !json_object_get(object, last))
            continue;
        const json_t *value = take_value(take, object, last, facts[i].types | TAKE(JSON_NULL));
        if (value && !json_is_null(value))
            facts[i].read(&reader, value);
    }
    take->where[0] = 0;
}
