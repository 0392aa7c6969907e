/* On the result as JSON: what is in no text there is in no text of the result, whatever its fields. */
#include "result/result_redact.h"

#include "record/record.h"
#include "result/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redaction {
    const struct result *result; /* as it was */
    bool failed;                 /* no memory */
};

#define PREFIX "command:"

/* ---- texts ---- */

/* The agent whose name, or command after the prefix, begins `text`: its number from 1, the longest of
 * several; 0: none. *length is how much of the text that is. */
static size_t agent_at(const struct result *result, const char *text, size_t *length)
{
    size_t found = 0;
    *length = 0;
    for (size_t i = 0; i < result->agent_count; i++) {
        const char *forms[] = {result->agents[i].monitor, result->agents[i].command};
        for (size_t form = 0; form < 2; form++) {
            size_t before = form ? strlen(PREFIX) : 0, own = strlen(forms[form]);
            if (before + own > *length && !strncmp(text, PREFIX, before) &&
                !strncmp(text + before, forms[form], own)) {
                *length = before + own;
                found = i + 1;
            }
        }
    }
    return found;
}

/* Names of agents, wherever they stand. */
static void write_without_names(const struct result *result, const char *text, FILE *out)
{
    for (size_t length; *text; text += length) {
        size_t agent = agent_at(result, text, &length);
        if (agent) {
            fprintf(out, PREFIX "%zu", agent);
            continue;
        }
        const char *next = strstr(text + 1, PREFIX);
        length = next ? (size_t)(next - text) : strlen(text);
        fwrite(text, 1, length, out);
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

/* "db7 (kvm guest)" of "command:db7": how people read an agent's name. */
static void write_label(const struct result *result, const char *text, FILE *out)
{
    for (size_t i = 0; i < result->agent_count; i++) {
        const char *name = result->agents[i].monitor;
        const char *shown = strncmp(name, PREFIX, strlen(PREFIX)) ? name : name + strlen(PREFIX);
        size_t length = strlen(shown);
        if (!strncmp(text, shown, length) && (!text[length] || !strncmp(text + length, " (", 2))) {
            fprintf(out, PREFIX "%zu%s", i + 1, text + length);
            return;
        }
    }
    fputs(text, out);
}

/* ---- values ---- */

static bool is_running_text(const char *key)
{
    size_t length = strlen(key);
    return (length >= 6 && !strcmp(key + length - 6, "reason")) || !strcmp(key, "note");
}

static void rewrite(struct redaction *redaction, json_t *value,
    void (*write)(const struct result *result, const char *text, FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out)
        write(redaction->result, json_string_value(value), out);
    if (!out || fclose(out) || json_string_set(value, text) < 0)
        redaction->failed = true;
    free(text);
}

static void redact_text(struct redaction *redaction, const char *key, json_t *value)
{
    rewrite(redaction, value, write_without_names);
    if (!strcmp(key, "label"))
        rewrite(redaction, value, write_label);
    if (is_running_text(key))
        rewrite(redaction, value, write_without_words);
}

/* `key` is the member that the value is, or is in a list of. */
static void redact_value(struct redaction *redaction, const char *key, json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_string(value))
        redact_text(redaction, key, value);
    json_array_foreach(value, i, member) redact_value(redaction, key, member);
    json_object_foreach(value, name, member) redact_value(redaction, name, member);
}

static void redact_agents(struct redaction *redaction, json_t *root)
{
    json_t *agent;
    size_t i;
    json_array_foreach(json_object_get(root, "agents"), i, agent)
    {
        json_t *name = json_sprintf(PREFIX "%zu", i + 1);
        redaction->failed |= !name || json_object_set(agent, "command", name) < 0;
        json_decref(name);
    }
}

int result_redact(struct result *result, struct error *error)
{
    struct redaction redaction = {.result = result};
    struct result made = {.command_count = 0};
    struct reader reader = {.name = "the result", .what = "vcost result", .pool = &made.pool, .error = error};
    json_t *root;
    int rc = json_from_result(result, &root, error);
    if (rc < 0)
        return rc;
    redact_agents(&redaction, root);
    redact_value(&redaction, "", root);
    redaction.failed |= json_object_set_new(root, "command", json_array()) < 0;
    rc = redaction.failed ? error_set(error, ENOMEM, "no memory to leave the command out")
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
