/* Whether a remedy took effect: what was counted with it, against what was counted without. */
#include "experiment/advise_try.h"

#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* More than what comes and goes. */
static const uint64_t bytes_least = 2 * MIB;
static const double share_least = 0.1;

/* Nothing at so many looks is nothing: the sixth comes after 27 ms. */
enum { LOOKS_ENOUGH = 6 };
static const double looks_seconds = 0.05;

struct seen {
    enum { CANNOT_TELL, OBTAINED, NOT_OBTAINED } how;
    char text[160];
};

/* What both runs showed, and what is to be shown. */
struct case_of {
    const struct bench *bench;
    const struct recipe *recipe;
    const struct tried *with, *usual;
};

/* Of what looks tell: where there were too few, that it was not seen proves nothing; where there were none,
 * that less was seen neither. */
static struct seen looked(const struct case_of *one, bool obtained)
{
    struct seen seen = {.how = obtained && one->with->looks.count       ? OBTAINED
                               : one->with->looks.count >= LOOKS_ENOUGH ? NOT_OBTAINED
                                                                        : CANNOT_TELL};
    if (seen.how == CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "%s",
            !one->with->looks.count && one->with->end.seconds > looks_seconds
                ? "the kernel lets nobody look at it"
                : "it ended too soon for a look at it");
    return seen;
}

static struct seen more_bytes(const struct case_of *one, uint64_t bytes, uint64_t usual, const char *what)
{
    struct seen seen = looked(one, bytes >= usual + bytes_least);
    char here[SIZE_TEXT_BYTES], there[SIZE_TEXT_BYTES];
    size_text(bytes, here);
    size_text(usual, there);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "%s %s, %s without", here, what, there);
    return seen;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static struct seen fewer(const struct case_of *one, unsigned with, unsigned usual, const char *what)
{
    struct seen seen = looked(one, with < usual);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "%u %s%s, %u without", with, what, plural(with), usual);
    return seen;
}

/* ---- by what was counted ---- */

static struct seen prove_fewer_faults(const struct case_of *one)
{
    uint64_t with = one->with->end.faults, usual = one->usual->end.faults;
    struct seen seen = {.how = (double)with < (1 - share_least) * (double)usual ? OBTAINED : NOT_OBTAINED};
    snprintf(seen.text, sizeof seen.text, "%" PRIu64 " page fault%s, %" PRIu64 " without", with, plural(with),
        usual);
    return seen;
}

/* What the preloaded library counts; `why` where there is nothing of it. */
static struct seen counted(const struct case_of *one, uint64_t bytes, const char *what, const char *why)
{
    const struct pages_report *counts = &one->with->counts;
    struct seen seen = {.how = bytes ? OBTAINED : NOT_OBTAINED};
    char size[SIZE_TEXT_BYTES];
    size_text(bytes, size);
    if (bytes)
        snprintf(seen.text, sizeof seen.text, "%s %s", size, what);
    else
        snprintf(seen.text, sizeof seen.text, "nothing %s%s", what,
            counts->processes == 0 ? ": the library was not loaded"
            : counts->refused      ? ": the kernel refused"
                                   : why);
    return seen;
}

static struct seen prove_text(const struct case_of *one)
{
    if (!one->recipe->preload[0])
        return more_bytes(
            one, one->with->looks.text_bytes, one->usual->looks.text_bytes, "of files on large pages");
    return counted(one, one->with->counts.text_bytes, "of text moved to large pages",
        ": the program has less than a large page of text");
}

static struct seen prove_populated(const struct case_of *one)
{
    return counted(one, one->with->counts.populated_bytes, "faulted in ahead", "");
}

/* ---- by looks at it while it ran ---- */

/* Seen at a look; or, of what ends sooner, by its faults, of which a large page takes one for 512. */
static struct seen prove_large_pages(const struct case_of *one)
{
    const struct seen bytes =
        more_bytes(one, one->with->looks.large_bytes, one->usual->looks.large_bytes, "on large pages");
    const struct seen faults = prove_fewer_faults(one);
    return bytes.how == CANNOT_TELL && faults.how == OBTAINED ? faults : bytes;
}

static struct seen prove_hugetlb(const struct case_of *one)
{
    return more_bytes(one, one->with->looks.hugetlb_bytes, one->usual->looks.hugetlb_bytes, "of huge pages");
}

static struct seen prove_locked(const struct case_of *one)
{
    return more_bytes(one, one->with->looks.locked_bytes, one->usual->looks.locked_bytes, "locked");
}

static struct seen prove_library(const struct case_of *one)
{
    struct seen seen = looked(one, one->with->looks.library);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "%s is %smapped", one->recipe->preload,
            one->with->looks.library ? "" : "not ");
    return seen;
}

static struct seen prove_no_large(const struct case_of *one)
{
    uint64_t with = one->with->looks.large_bytes, usual = one->usual->looks.large_bytes;
    struct seen seen = {.how = usual && !with ? OBTAINED : NOT_OBTAINED};
    char size[SIZE_TEXT_BYTES];
    size_text(usual, size);
    snprintf(seen.text, sizeof seen.text, "%s on large pages without it", usual ? size : "nothing is");
    return seen;
}

static struct seen prove_one_cpu(const struct case_of *one)
{
    struct seen seen = looked(one, one->with->looks.cpus == 1);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "it may run on %u CPU%s", one->with->looks.cpus,
            one->with->looks.cpus == 1 ? "" : "s: it binds itself");
    return seen;
}

static struct seen prove_fewer_threads(const struct case_of *one)
{
    return fewer(one, one->with->looks.threads, one->usual->looks.threads, "thread");
}

static struct seen prove_fewer_arenas(const struct case_of *one)
{
    return fewer(one, one->with->looks.arenas, one->usual->looks.arenas, "further arena");
}

static struct seen prove_fixed(const struct case_of *one)
{
    struct seen seen = looked(one, one->with->looks.fixed && !one->usual->looks.fixed);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "its stack is %s",
            !one->with->looks.fixed   ? "still at a random address"
            : one->usual->looks.fixed ? "at the same address without it"
                                      : "at the fixed address");
    return seen;
}

/* ---- by where its memory is ---- */

struct placed {
    uint64_t all, most, elsewhere; /* bytes: on the node that has most, and off `node` */
};

static struct placed placed(const struct looks *looks, unsigned node)
{
    struct placed placed = {0};
    for (unsigned i = 0; i < LOOKS_NODES_MAX; i++) {
        placed.all += looks->node_bytes[i];
        placed.elsewhere += i == node ? 0 : looks->node_bytes[i];
        placed.most = looks->node_bytes[i] > placed.most ? looks->node_bytes[i] : placed.most;
    }
    return placed;
}

static struct seen prove_near(const struct case_of *one)
{
    unsigned node = one->bench->here.node;
    const struct looks *with = &one->with->looks, *usual = &one->usual->looks;
    uint64_t off = placed(with, node).elsewhere, off_usual = placed(usual, node).elsewhere;
    struct seen seen = looked(one, with->cpus < usual->cpus || off + bytes_least <= off_usual);
    char here[SIZE_TEXT_BYTES], there[SIZE_TEXT_BYTES];
    size_text(off, here);
    size_text(off_usual, there);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "%u CPU%s, %u without; %s on other nodes than %u, %s without",
            with->cpus, plural(with->cpus), usual->cpus, here, node, there);
    return seen;
}

static double largest_part(const struct placed *placed)
{
    return placed->all ? (double)placed->most / (double)placed->all : 1;
}

static struct seen prove_spread(const struct case_of *one)
{
    const struct placed with = placed(&one->with->looks, 0), usual = placed(&one->usual->looks, 0);
    double part = largest_part(&with), part_usual = largest_part(&usual);
    struct seen seen = looked(one, part + share_least <= part_usual);
    if (seen.how != CANNOT_TELL)
        snprintf(seen.text, sizeof seen.text, "%.0f %% of its memory on one node, %.0f %% without",
            100 * part, 100 * part_usual);
    return seen;
}

/* ---- all of them ---- */

static struct seen (*const proofs[RECIPE_PROOFS])(const struct case_of *one) = {
    [PROOF_LARGE_PAGES] = prove_large_pages,
    [PROOF_TEXT] = prove_text,
    [PROOF_HUGETLB] = prove_hugetlb,
    [PROOF_LOCKED] = prove_locked,
    [PROOF_POPULATED] = prove_populated,
    [PROOF_FEWER_FAULTS] = prove_fewer_faults,
    [PROOF_LIBRARY] = prove_library,
    [PROOF_NO_LARGE] = prove_no_large,
    [PROOF_ONE_CPU] = prove_one_cpu,
    [PROOF_NEAR] = prove_near,
    [PROOF_SPREAD] = prove_spread,
    [PROOF_FEWER_THREADS] = prove_fewer_threads,
    [PROOF_FEWER_ARENAS] = prove_fewer_arenas,
    [PROOF_FIXED] = prove_fixed,
};

/* Of several together each has to take effect, but that one which faults in ahead hides that another one
 * saves faults. */
static bool must_be_obtained(const struct variant *variant, const struct recipe *part)
{
    return variant->part_count == 1 || part->proof != PROOF_FEWER_FAULTS;
}

void bench_prove(const struct bench *bench, struct variant *variant, const struct tried *tried)
{
    struct advised *told = &variant->told;
    told->use = (struct advised_use){.known = true,
        .cpu_seconds = tried->end.cpu_seconds,
        .peak_bytes = tried->end.peak_bytes,
        .faults = tried->end.faults,
        .large_bytes = tried->looks.large_bytes};
    for (size_t i = 0, used = 0; i < variant->part_count; i++) {
        const struct case_of one = {bench, variant->parts[i], tried, &bench->usual};
        const struct seen seen =
            proofs[one.recipe->proof] ? proofs[one.recipe->proof](&one) : (struct seen){.how = CANNOT_TELL};
        used += (size_t)snprintf(told->proof + used, sizeof told->proof - used, "%s%s",
            used && seen.text[0] ? "; " : "", seen.text);
        used = used < sizeof told->proof ? used : sizeof told->proof - 1;
        if (seen.how == NOT_OBTAINED && must_be_obtained(variant, one.recipe)) {
            told->state = ADVISED_NOT_OBTAINED;
            snprintf(told->reason, sizeof told->reason, "not obtained: %s", seen.text);
        }
    }
}
