/* What a program finds on its stack. */
#include "cmocka_all.h"

#include "program/inside/stack.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

enum { BYTES = 1 << 16 };
static char stack[BYTES] __attribute__((aligned(4096)));

static char *arguments[] = {"program", "", "a b", NULL}, *environment[] = {"A=1", "B=", NULL},
            *none[] = {NULL};

static uint64_t aux_of(const uint64_t *aux, uint64_t type)
{
    for (; aux[0] != AT_NULL; aux += 2)
        if (aux[0] == type)
            return aux[1];
    fail_msg("no entry of type %d", (int)type);
    return 0;
}

static void is_laid_out_as_the_abi_says(void **state)
{
    (void)state;
    const struct stack_aux aux[] = {{AT_PAGESZ, 4096}, {AT_UID, 7}};
    const struct stack_content content = {
        arguments, environment, "/bin/program", "x86_64", {1, 2, 3}, aux, 2};
    struct stack_built built;
    assert_int_equal(stack_build(&content, stack, sizeof stack, &built, NULL), 0);
    assert_int_equal(built.pointer % 16, 0);
    assert_in_range(built.pointer, (uintptr_t)stack, (uintptr_t)stack + BYTES);
    const uint64_t *at = (const uint64_t *)built.pointer;
    assert_int_equal(*at++, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal((const char *)*at++, arguments[i]);
    assert_int_equal(*at++, 0);
    for (int i = 0; i < 2; i++)
        assert_string_equal((const char *)*at++, environment[i]);
    assert_int_equal(*at++, 0);
    assert_int_equal(aux_of(at, AT_PAGESZ), 4096);
    assert_int_equal(aux_of(at, AT_UID), 7);
    assert_string_equal((const char *)aux_of(at, AT_EXECFN), "/bin/program");
    assert_string_equal((const char *)aux_of(at, AT_PLATFORM), "x86_64");
    assert_memory_equal((const void *)aux_of(at, AT_RANDOM), "\1\2\3", 3);
}

/* As programs expect that overwrite their arguments to change their title. */
static void strings_follow_one_another(void **state)
{
    (void)state;
    const struct stack_content content = {arguments, environment, "p", "x86_64", {0}, NULL, 0};
    struct stack_built built;
    assert_int_equal(stack_build(&content, stack, sizeof stack, &built, NULL), 0);
    const uint64_t *at = (const uint64_t *)built.pointer;
    assert_int_equal(at[2], at[1] + sizeof "program");
    assert_int_equal(at[3], at[2] + 1);
    assert_int_equal(at[5], at[3] + sizeof "a b");
    assert_int_equal(at[6], at[5] + sizeof "A=1");
    assert_int_equal(built.arguments, at[1]);
    assert_int_equal(built.environment, at[5]);
    assert_int_equal(built.end, at[6] + strlen(environment[1]) + 1);
}

static void without_anything_it_is_a_stack_too(void **state)
{
    (void)state;
    const struct stack_content content = {none, none, "p", "x86_64", {0}, NULL, 0};
    struct stack_built built;
    assert_int_equal(stack_build(&content, stack, sizeof stack, &built, NULL), 0);
    const uint64_t *at = (const uint64_t *)built.pointer;
    assert_int_equal(at[0] | at[1] | at[2], 0);
}

static void too_many_arguments_are_refused(void **state)
{
    (void)state;
    static char text[BYTES / 4];
    char *words[] = {text, NULL};
    const struct stack_content content = {words, none, "p", "x86_64", {0}, NULL, 0};
    struct error error;
    struct stack_built built = {.pointer = 5};
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(stack_build(&content, stack, sizeof stack, &built, &error), -E2BIG);
    assert_int_equal(built.pointer, 5);
    text[BYTES / 4 - 600] = '\0';
    assert_int_equal(stack_build(&content, stack, sizeof stack, &built, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_laid_out_as_the_abi_says),
        cmocka_unit_test(strings_follow_one_another),
        cmocka_unit_test(without_anything_it_is_a_stack_too),
        cmocka_unit_test(too_many_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
