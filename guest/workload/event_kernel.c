/* What only a guest's kernel may do (CPL 0). */
#include "event.h"

enum { LOCAL_APIC_BASE = 0x1b, UNKNOWN_HYPERCALL = 0x7fff };

/* The answer, in RAX, is no number that KVM knows either: it need not be set anew. cursor[0] gets the last
 * one. */
#define HYPERCALLS(name, instruction)                                                                        \
    EVENT(name, uint64_t rax = UNKNOWN_HYPERCALL;                                                            \
          UNROLLED(__asm__ volatile(instruction                                                              \
                                    : "+a"(rax));) job->cursor[0] = rax;)

static inline void read_msr(void)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(LOCAL_APIC_BASE));
}

static inline void write_cr8(void)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"(0ul));
}

static inline void flush_page(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address));
}

static inline void read_page(uint64_t address)
{
    (void)*(volatile uint64_t *)address;
}

static inline void change_bit(uint64_t entry)
{
    __asm__ volatile("xorl $0x200, (%0)" : : "r"(entry));
}

static inline uint64_t read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value));
}

HYPERCALLS(event_vmcall, "vmcall")
HYPERCALLS(event_vmmcall, "vmmcall")
EVENT(event_msr_read, UNROLLED(read_msr();))
EVENT(event_cr8_write, UNROLLED(write_cr8();))
EVENT(event_flush_page, uint64_t address = job->first; UNROLLED(flush_page(address);))
EVENT(event_flush_full, uint64_t cr3 = read_cr3(); UNROLLED(write_cr3(cr3);))

/* The entry at job->first, which maps the page at job->bytes: a bit that is software's to use changes (SDM
 * volume 3, 4.5.4), and the translation is flushed. */
EVENT(event_pte_change, uint64_t entry = job->first; uint64_t page = job->bytes;
      UNROLLED(change_bit(entry); flush_page(page);))
EVENT(event_pte_change_touch, uint64_t entry = job->first; uint64_t page = job->bytes;
      UNROLLED(change_bit(entry); flush_page(page); read_page(page);))

/* Takes the first job->steps pages of the entries at job->first away. */
EVENT(event_clear, volatile uint64_t *entry = (volatile uint64_t *)job->first;
      for (uint64_t i = 0; i < job->steps; i++) entry[i] &= ~1ul; write_cr3(read_cr3());)
