#include "host/balloon.h"

#include "base/size.h"
#include "host/bits.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEVICES "/sys/bus/virtio/devices"

enum { PAGE_SHIFT = 12, MOST_ORDER = 30, VMSTAT_BYTES = 16384 };

/* Virtio 1.3, 5.5.3 "Feature bits" of the traditional memory balloon, and 6 for those of every device. */
enum { BIT_REPORTING = 5 };
static const struct bit_name feature_names[] = {
    {0, "must-tell-host"},
    {1, "statistics"},
    {2, "deflate-on-oom"},
    {3, "free-page-hint"},
    {4, "page-poison"},
    {BIT_REPORTING, "free-page-reporting"},
    {28, "indirect-descriptors"},
    {29, "event-index"},
    {32, "version-1"},
    {33, "access-platform"},
    {34, "packed-ring"},
    {35, "in-order"},
    {36, "order-platform"},
};

bool balloon_parse_features(const char *text, uint64_t *features)
{
    uint64_t bits = 0;
    size_t length = strspn(text, "01");
    if (!length || text[length])
        return false;
    for (size_t i = 0; i < length && i < 64; i++)
        bits |= (uint64_t)(text[i] == '1') << i;
    *features = bits;
    return true;
}

/* ---- the device ---- */

struct found {
    char device[64]; /* "" while none */
    bool hidden;     /* there is a device that does not say what it is */
};

/* Virtio 1.3, 5 "Device Types": 5 is the traditional balloon. */
static bool take_device(const char *name, void *context)
{
    struct found *found = context;
    char path[READ_TEXT_LINE], line[READ_TEXT_LINE];
    (void)snprintf(path, sizeof path, DEVICES "/%s/device", name);
    if (read_line(path, line, sizeof line)) {
        found->hidden = true;
        return true;
    }
    bool balloon = !strcmp(line, "0x0005"), first = !*found->device || strcmp(name, found->device) < 0;
    if (balloon && first)
        text_copy(found->device, sizeof found->device, name);
    return true;
}

static struct fact device_fact(const struct found *found, int rc)
{
    char shown[sizeof found->device];
    text_copy(shown, sizeof shown, found->device);
    text_trim(shown);
    if (*shown)
        return fact_known("yes: %s", shown);
    if (rc == -ENOENT)
        return fact_unknown("no " DEVICES);
    if (rc)
        return fact_unknown("cannot read " DEVICES ": %s", strerror(-rc));
    return found->hidden ? fact_unknown("a device in " DEVICES " does not tell what it is")
                         : fact_known("no");
}

static void look_device(struct host_balloon *balloon)
{
    struct found found = {.hidden = false};
    char path[READ_TEXT_LINE], line[READ_TEXT_LINE];
    uint64_t features;
    int rc = read_each_name(DEVICES, take_device, &found);
    balloon->device = device_fact(&found, rc);
    if (!*found.device) {
        balloon->features = balloon->reporting = fact_unknown("no virtio balloon is seen");
        return;
    }
    (void)snprintf(path, sizeof path, DEVICES "/%s/features", found.device);
    if (read_line(path, line, sizeof line) || !balloon_parse_features(line, &features)) {
        balloon->features = balloon->reporting = fact_unknown("%.120s does not tell the features", path);
        return;
    }
    balloon->features = bits_named(features, feature_names, sizeof feature_names / sizeof *feature_names);
    balloon->reporting = fact_known(features >> BIT_REPORTING & 1 ? "yes" : "no");
}

/* ---- the kernel's own counts ---- */

/* mm/page_reporting.c. Before a device has asked for reports it holds a number that is no order. */
static struct fact look_reporting_bytes(void)
{
    static const char path[] = "/sys/module/page_reporting/parameters/page_reporting_order";
    uint64_t order;
    struct fact line = read_fact(path);
    if (!line.known)
        return line;
    if (read_number(path, &order) || order > MOST_ORDER)
        return fact_unknown("%s holds no order", path);
    return fact_known("%" PRIu64, UINT64_C(1) << (order + PAGE_SHIFT));
}

static struct fact counter(const char *vmstat, const char *name)
{
    uint64_t value;
    if (!text_value_number(vmstat, name, ' ', &value))
        return fact_unknown("/proc/vmstat does not tell %s", name);
    return fact_known("%" PRIu64, value);
}

/* Pages in the balloon now: newer kernels count them, of others it is what went in and did not come
 * out. */
static struct fact held(const char *vmstat)
{
    uint64_t pages, in, out;
    if (!text_value_number(vmstat, "nr_balloon_pages", ' ', &pages)) {
        if (!text_value_number(vmstat, "balloon_inflate", ' ', &in) ||
            !text_value_number(vmstat, "balloon_deflate", ' ', &out) || out > in)
            return fact_unknown("/proc/vmstat does not tell the pages in a balloon");
        pages = in - out;
    }
    if (pages > UINT64_MAX >> PAGE_SHIFT)
        return fact_unknown("/proc/vmstat tells more pages in a balloon than there can be");
    return fact_known("%" PRIu64, pages << PAGE_SHIFT);
}

void host_look_balloon(struct host *host)
{
    char vmstat[VMSTAT_BYTES] = "";
    struct host_balloon *balloon = &host->balloon;
    look_device(balloon);
    balloon->reporting_bytes = look_reporting_bytes();
    if (read_text("/proc/vmstat", vmstat, sizeof vmstat))
        vmstat[0] = '\0';
    balloon->inflated = counter(vmstat, "balloon_inflate");
    balloon->deflated = counter(vmstat, "balloon_deflate");
    balloon->migrated = counter(vmstat, "balloon_migrate");
    balloon->held_bytes = held(vmstat);
}
