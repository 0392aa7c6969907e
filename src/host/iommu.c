#include "host/iommu.h"

#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char iommus_path[] = "/sys/class/iommu", groups_path[] = "/sys/kernel/iommu_groups";

/* ---- IOMMU ---- */

/* Names in the order of a directory that has none: sorted, so that two runs tell the same. */
struct names {
    char names[8][24];
    size_t count, seen;
};

static bool take_name(const char *name, void *context)
{
    struct names *names = context;
    const size_t most = sizeof names->names / sizeof *names->names;
    char kept[sizeof *names->names];
    names->seen++;
    text_copy(kept, sizeof kept, name);
    text_trim(kept);
    size_t at = names->count;
    while (at > 0 && strcmp(names->names[at - 1], kept) > 0)
        at--;
    if (at == most)
        return true;
    names->count += names->count < most;
    memmove(names->names + at + 1, names->names + at, (names->count - at - 1) * sizeof kept);
    memcpy(names->names[at], kept, sizeof kept);
    return true;
}

static struct fact names_fact(const struct names *names)
{
    char text[sizeof names->names + 16] = "";
    if (!names->seen)
        return fact_known("no");
    for (size_t i = 0; i < names->count; i++) {
        strcat(text, " ");
        strcat(text, names->names[i]);
    }
    if (names->seen > names->count)
        strcat(text, " ...");
    return fact_known("yes:%.150s", text);
}

/* A directory's entries, or why they cannot be listed. */
static struct fact hidden(const char *path, int rc)
{
    return rc == -ENOENT ? fact_unknown("no %s", path)
                         : fact_unknown("cannot read %s: %s", path, strerror(-rc));
}

static struct fact look_iommu(void)
{
    struct names names = {.count = 0};
    int rc = read_each_name(iommus_path, take_name, &names);
    return rc ? hidden(iommus_path, rc) : names_fact(&names);
}

static bool count_one(const char *name, void *context)
{
    (void)name;
    ++*(size_t *)context;
    return true;
}

static struct fact look_groups(void)
{
    size_t count = 0;
    int rc = read_each_name(groups_path, count_one, &count);
    return rc ? hidden(groups_path, rc) : fact_known("%zu", count);
}

/* ---- VFIO ---- */

static bool find_vfio(const char *name, void *context)
{
    return !(*(bool *)context = !strcmp(name, "vfio"));
}

/* Is /dev/vfio/vfio there? A negative errno where that cannot be seen. */
static int vfio_is_there(bool *there)
{
    size_t others = 0;
    *there = false;
    int rc = read_each_name("/dev/vfio", find_vfio, there);
    return rc == -ENOENT ? read_each_name("/dev", count_one, &others) : rc; /* is it /dev that is missing? */
}

static struct fact look_vfio(void)
{
    static const char path[] = "/dev/vfio/vfio";
    bool there;
    int rc = vfio_is_there(&there);
    if (rc)
        return fact_unknown("cannot look for %s: %s", path, strerror(-rc));
    if (!there)
        return fact_known("no");
    if (read_text_is_real() && access(path, R_OK | W_OK))
        return fact_known("no: %s is there, but not for this user (%s)", path, strerror(errno));
    return fact_known("yes");
}

void host_look_iommu(struct host *host)
{
    host->passthrough.iommu = look_iommu();
    host->passthrough.iommu_groups = look_groups();
    host->passthrough.vfio = look_vfio();
}
