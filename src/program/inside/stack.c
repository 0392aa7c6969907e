#include "program/inside/stack.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

static size_t count_of(char *const *words, size_t *bytes)
{
    size_t count = 0;
    for (; words[count]; count++)
        *bytes += strlen(words[count]) + 1;
    return count;
}

static char *put_text(char **end, const void *text, size_t bytes)
{
    *end -= bytes;
    return memcpy(*end, text, bytes);
}

/* The strings end where `end` stood, the first at the lowest address, as programs that overwrite their
 * arguments expect; their addresses go to the vector. */
static uint64_t *put_words(char **end, char *const *words, size_t count, uint64_t *vector)
{
    for (size_t i = count; i-- > 0;)
        vector[i] = (uintptr_t)put_text(end, words[i], strlen(words[i]) + 1);
    vector[count] = 0;
    return vector + count + 1;
}

int stack_build(const struct stack_content *content, void *bottom, size_t bytes, struct stack_built *built,
    struct error *error)
{
    enum { OF_OURS = 4, ALIGNMENT = 16 };
    size_t text = strlen(content->path) + 1 + strlen(content->platform) + 1 + STACK_RANDOM_BYTES;
    size_t arguments = count_of(content->arguments, &text), variables = count_of(content->environment, &text);
    size_t words = 1 + arguments + 1 + variables + 1 + 2 * (content->aux_count + OF_OURS);
    size_t need = text + words * sizeof(uint64_t) + 8 * ALIGNMENT;
    if (need > bytes / 4)
        return error_set(
            error, E2BIG, "the program's arguments and environment are too long (%zu bytes)", need);
    char *end = (char *)bottom + bytes - sizeof(uint64_t);
    memset(end, 0, sizeof(uint64_t));
    const struct stack_aux path = {
        AT_EXECFN, (uintptr_t)put_text(&end, content->path, strlen(content->path) + 1)};
    char *strings = end;
    size_t strings_bytes =
        text - strlen(content->path) - 1 - strlen(content->platform) - 1 - STACK_RANDOM_BYTES;
    end -= strings_bytes;
    const struct stack_aux platform = {
        AT_PLATFORM, (uintptr_t)put_text(&end, content->platform, strlen(content->platform) + 1)};
    const struct stack_aux random = {
        AT_RANDOM, (uintptr_t)put_text(&end, content->random, STACK_RANDOM_BYTES)};
    uint64_t *vector = (uint64_t *)(((uintptr_t)end & -(uintptr_t)ALIGNMENT) -
                                    (words * sizeof(uint64_t) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    *built = (struct stack_built){.pointer = (uintptr_t)vector, .end = (uintptr_t)strings};
    *vector++ = arguments;
    uint64_t *variables_at = vector + arguments + 1;
    uint64_t *aux = put_words(&strings, content->environment, variables, variables_at);
    built->environment = (uintptr_t)strings;
    put_words(&strings, content->arguments, arguments, vector);
    built->arguments = (uintptr_t)strings;
    for (size_t i = 0; i < content->aux_count + OF_OURS; i++, aux += 2) {
        const struct stack_aux ours[OF_OURS] = {path, platform, random, {AT_NULL, 0}};
        const struct stack_aux *put =
            i < content->aux_count ? &content->aux[i] : &ours[i - content->aux_count];
        aux[0] = put->type;
        aux[1] = put->value;
    }
    return 0;
}
