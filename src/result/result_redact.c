/* On the result as JSON: what is in no text there is in no text of the result, whatever its fields. */
#include "record/record.h"
#include "result/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "command:"

/* ---- texts ---- */

typedef void rewriter(const struct result *result, const char *text, FILE *out);

/* Names of agents, and their commands behind the prefix, wherever they stand; of several the longest. */
static void write_without_names(const struct result *result, const char *text, FILE *out)
{
    const size_t prefix = strlen(PREFIX);
    for (size_t length; *text; text += length) {
        size_t named = 0;
        length = 1;
        for (size_t i = 0; !strncmp(text, PREFIX, prefix) && i < 2 * result->agent_count; i++) {
            const struct result_agent *agent = &result->agents[i / 2];
            size_t before = i % 2 ? prefix : 0;
            const char *form = i % 2 ? agent->command : agent->monitor;
            if (before + strlen(form) > length && !strncmp(text + before, form, strlen(form))) {
                length = before + strlen(form);
                named = i / 2 + 1;
            }
        }
        if (named)
            fprintf(out, PREFIX "%zu", named);
        else
            fputc(*text, out);
    }
}

/* How long the word at the start is; a full stop ends a sentence. */
static size_t word_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || (text[length] && strchr("._-", text[length])) ||
           (unsigned char)text[length] >= 0x80)
        length++;
    while (length && text[length - 1] == '.')
        length--;
    return length;
}

/* Whether word[0 … length) is one of a command, but for numbers and the two words that every one has. */
static bool is_told(const struct result *result, const char *word, size_t length)
{
    bool number = strspn(word, "0123456789") >= length;
    if (number || (length == 5 && (!strncmp(word, "vcost", 5) || !strncmp(word, "agent", 5))))
        return false;
    for (size_t i = 0; i < result->agent_count; i++) {
        const char *at = result->agents[i].command;
        if (!strcmp(at, result->agents[i].monitor))
            continue; /* "command:1": it has been left out already */
        for (size_t own; *at; at += own ? own : 1) {
            own = word_length(at);
            if (own == length && !strncmp(at, word, length))
                return true;
        }
    }
    return false;
}

/* Running text: the words of commands. */
static void write_without_words(const struct result *result, const char *text, FILE *out)
{
    for (size_t length; *text; text += length) {
        length = word_length(text);
        bool told = is_told(result, text, length);
        length = length ? length : 1;
        if (told)
            fputs("…", out);
        else
            fwrite(text, 1, length, out);
    }
}

static bool is_label_of(const struct result *result, const char *monitor, const char *text)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (!strcmp(result->cells[i].label, text) && !strcmp(result->cells[i].cell.monitor, monitor))
            return true;
    return false;
}

/* "ssh db7 (kvm guest)": how people read an agent's cells, made of its command. */
static void write_label(const struct result *result, const char *text, FILE *out)
{
    const char *more = strstr(text, " (");
    for (size_t i = 0; i < result->agent_count; i++)
        if (is_label_of(result, result->agents[i].monitor, text)) {
            fprintf(out, PREFIX "%zu%s", i + 1, more ? more : "");
            return;
        }
    fputs(text, out);
}

/* ---- values ---- */

static void rewrite(const struct result *result, json_t *value, rewriter *write, bool *failed)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out)
        write(result, json_string_value(value), out);
    *failed |= !out || fclose(out) || json_string_set(value, text) < 0;
    free(text);
}

/* `key` is the member that the value is, or is in a list of. */
static void redact(const struct result *result, const char *key, json_t *value, bool *failed)
{
    size_t i, length = strlen(key);
    const char *name;
    json_t *member;
    if (json_is_string(value)) {
        rewrite(result, value, write_without_names, failed);
        if (!strcmp(key, "label"))
            rewrite(result, value, write_label, failed);
        if ((length >= 6 && !strcmp(key + length - 6, "reason")) || !strcmp(key, "note"))
            rewrite(result, value, write_without_words, failed);
    }
    json_array_foreach(value, i, member) redact(result, key, member, failed);
    json_object_foreach(value, name, member) redact(result, name, member, failed);
}

int result_redact(struct result *result, struct error *error)
{
    struct result made = {.command_count = 0};
    struct reader reader = {.name = "the result", .what = "vcost result", .pool = &made.pool, .error = error};
    json_t *root, *agent;
    bool failed = false;
    size_t i;
    int rc = json_from_result(result, &root, error);
    if (rc < 0)
        return rc;
    json_array_foreach(json_object_get(root, "agents"), i, agent)
    {
        failed |= json_object_set_new(agent, "command", json_sprintf(PREFIX "%zu", i + 1)) < 0;
    }
    redact(result, "", root, &failed);
    failed |= json_object_set_new(root, "command", json_array()) < 0;
    rc = failed ? error_set(error, ENOMEM, "no memory to leave the command out")
                : record_read(&result_record, root, &made, &reader);
    json_decref(root);
    if (rc < 0) {
        result_free(&made);
        return rc;
    }
    result_free(result);
    *result = made;
    return 0;
}
