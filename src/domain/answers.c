#include "domain/answers.h"

#include "abi/domain.h"
#include "domain/internal.h"
#include "domain/user.h"
#include "domain/x86_64/system.h"

#include <string.h>

enum { A_PAGE = PAGE_BYTES / DOMAIN_ANSWER_BYTES, NOTHING = -1 /* Linux has no such call */ };
_Static_assert(ANSWERS_PAGES == 2 * ANSWERS_CPUS / A_PAGE, "a place for each");
_Static_assert(DOMAIN_ANSWER_DATA == PAGE_BYTES, "the data are a page behind the code");

extern const char domain_kernel_start[];

/* Where the code of these 32 is; a page behind it is their data. */
static uint64_t code_of(unsigned number)
{
    return (uint64_t)(ANSWERS_FIRST_PAGE + 2 * number) * PAGE_BYTES;
}

/* Their data; NULL: no virtual CPU of these has had any. */
static char *page_at(const struct domain *domain, unsigned number)
{
    struct page_walk walk;
    page_tables_walk(&domain->tables, system_program_address(code_of(number) + DOMAIN_ANSWER_DATA), &walk);
    return walk.leaf.bytes ? (char *)domain->tables.memory.at(domain->tables.memory.context, walk.leaf.to)
                           : NULL;
}

static struct domain_answer *answer_in(char *page, unsigned number)
{
    return (struct domain_answer *)(page + (size_t)(number % A_PAGE) * DOMAIN_ANSWER_BYTES);
}

static int map(struct domain *domain, uint64_t at, gpa_t page, unsigned rights, struct error *error)
{
    return page_tables_map(
        &domain->tables, system_program_address(at), page, PAGE_BYTES, PAGE_BYTES, rights | PAGE_USER, error);
}

/* All of one page at once: what is not used yet is ready for who comes later. */
int answers_open(struct domain_cpu *cpu, struct error *error)
{
    struct domain *domain = cpu->domain;
    struct table_memory memory = domain->tables.memory;
    const uint64_t at = code_of(cpu->id / A_PAGE);
    gpa_t code, data;
    if (page_at(domain, cpu->id / A_PAGE))
        return 0;
    int rc = memory.take(memory.context, &code, error);
    if (rc == 0)
        rc = memory.take(memory.context, &data, error);
    if (rc < 0)
        return rc;
    char *stubs = (char *)memory.at(memory.context, code), *answers = (char *)memory.at(memory.context, data);
    for (unsigned i = 0; i < A_PAGE; i++) {
        memcpy(stubs + (size_t)i * DOMAIN_ANSWER_BYTES, domain_kernel_start + DOMAIN_ANSWER,
            DOMAIN_ANSWER_BYTES);
        *answer_in(answers, i) = (struct domain_answer){.number = (uint32_t)NOTHING};
    }
    rc = map(domain, at, code, PAGE_READ | PAGE_EXECUTE, error);
    return rc < 0 ? rc : map(domain, at + DOMAIN_ANSWER_DATA, data, PAGE_READ | PAGE_WRITE, error);
}

uint64_t answers_entry(const struct domain_cpu *cpu)
{
    return code_of(cpu->id / A_PAGE) + (uint64_t)(cpu->id % A_PAGE) * DOMAIN_ANSWER_BYTES -
           (uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES;
}

/* ---- stopped within ---- */

static bool is_within(uint64_t rip, uint64_t *offset)
{
    uint64_t at = rip - system_program_address(code_of(0)).value;
    *offset = at % DOMAIN_ANSWER_BYTES;
    return at < (uint64_t)ANSWERS_PAGES * PAGE_BYTES;
}

bool answers_leaves_at(uint64_t rip)
{
    enum { LEAVING_BYTES = 4 };
    uint64_t offset;
    return is_within(rip, &offset) && offset - DOMAIN_ANSWER_LEAVE < LEAVING_BYTES;
}

bool answers_resolve(const struct domain_cpu *cpu, struct vcpu_registers *registers)
{
    enum { SYSCALL_BYTES = 2 };
    uint64_t offset;
    char *page = page_at(cpu->domain, cpu->id / A_PAGE);
    if (!page || !is_within(registers->rip, &offset) || answers_leaves_at(registers->rip))
        return false;
    bool made = offset >= DOMAIN_ANSWER_COUNTED;
    registers->rip = made ? registers->rcx : registers->rcx - SYSCALL_BYTES;
    registers->rax = made ? answer_in(page, cpu->id)->answer : registers->rax;
    registers->rflags = registers->r11;
    return true;
}

/* ---- what it answers ---- */

void domain_user_answer(struct domain_cpu *cpu, uint32_t number, uint32_t answer)
{
    struct domain_answer *own = answer_in(page_at(cpu->domain, cpu->id / A_PAGE), cpu->id);
    own->answer = answer;
    own->number = number;
}

/* The first are used first, here and below. */
void domain_user_answer_nothing(struct domain *domain)
{
    char *page;
    for (unsigned i = 0; i < ANSWERS_PAGES / 2 && (page = page_at(domain, i)); i++)
        for (unsigned k = 0; k < A_PAGE; k++)
            answer_in(page, k)->number = (uint32_t)NOTHING;
}

uint64_t domain_user_answered(const struct domain *domain)
{
    uint64_t sum = 0;
    char *page;
    for (unsigned i = 0; i < ANSWERS_PAGES / 2 && (page = page_at(domain, i)); i++)
        for (unsigned k = 0; k < A_PAGE; k++)
            sum += answer_in(page, k)->count;
    return sum;
}
