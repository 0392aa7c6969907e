/* The layout is ours, in pixels from the left top: gnuplot places no key, title or margin by itself, so that
 * nothing overlaps whatever the names are. */
#include "report/picture_script.h"

#include "report/axis.h"
#include "result/baseline.h"
#include "report/format.h"
#include "report/gnuplot.h"
#include "report/marks.h"
#include "report/text.h"
#include "result/tool.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 960,
    LEFT = 114,
    RIGHT = 28,
    PANEL_HEIGHT = 290,
    KEY_ROW = 22,
    MARK_ROW = 18, /* names of what is marked above a panel: measured, and told by CPUID */
    MARK_LETTER = 6,
    X_LABELS = 34 /* ticks' labels below a panel */
};

/* A palette that is told apart with any kind of colour vision (M. Okabe and K. Ito, "Color Universal Design",
 * 2008), without its yellow, which is too light for a line on white. */
static const char *const palette[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"};
enum { PALETTE = sizeof palette / sizeof *palette };

/* Filled shapes of gnuplot's svg and cairo terminals: circle, triangle, square, diamond, triangle down. */
static const int points[] = {7, 9, 5, 13, 11};
enum { POINTS = sizeof points / sizeof *points };

/* How one curve is drawn. */
struct look {
    const char *color;
    int point, dash;
};

struct picture {
    const struct result *result;
    const struct curves *curves; /* of the section that is being laid out or written */
    FILE *script;
    unsigned height; /* of all */
    struct span x;   /* what the x axes show */
    struct axis sizes;
    struct marks marks; /* of the section */
};

/* What the two panels differ in. */
struct panel {
    const char *name; /* of the y axis */
    bool (*shows)(const struct curve *curve);
    bool (*value)(const struct curve_point *point, double *value);
    struct formatted (*label)(double tick);
    bool logarithmic, bands, last;
    struct axis y;
    unsigned top, bottom; /* of the plotted area */
    unsigned key_top;
};

/* --- looks --- */

static const struct curve *first_guest(const struct curve_group *group)
{
    for (size_t i = 0; i < group->curve_count; i++)
        if (!group->curves[i].native)
            return &group->curves[i];
    return NULL;
}

/* How many curves that have a colour of their own come before this one: guests, and natives without guest. */
static size_t number_of(const struct curves *curves, const struct curve *wanted)
{
    size_t number = 0;
    for (size_t g = 0; g < curves->group_count; g++)
        for (size_t c = 0; c < curves->groups[g].curve_count; c++) {
            const struct curve *curve = &curves->groups[g].curves[c];
            if (curve == wanted)
                return number;
            number += !curve->native || !first_guest(&curves->groups[g]);
        }
    return number;
}

/* Native is grey where there is one group; otherwise it is its guest's colour, dashed. */
static struct look look_of(
    const struct curves *curves, const struct curve_group *group, const struct curve *curve)
{
    const struct curve *guest = first_guest(group);
    bool follows = curve->native && guest;
    size_t number = number_of(curves, follows ? guest : curve);
    struct look look = {palette[number % PALETTE], points[number % POINTS], 1 + (int)(number / PALETTE) * 3};
    if (follows && curves->group_count == 1)
        look.color = "#444444";
    else if (follows)
        look.dash = 2;
    if (follows)
        look.point = 6 + 2 * (int)((curve - group->curves) % 3); /* an open shape */
    return look;
}

/* --- pieces --- */

static double screen_y(const struct picture *picture, double pixels)
{
    return 1 - pixels / picture->height;
}

static double screen_x(double pixels)
{
    return pixels / WIDTH;
}

/* How text is written, and how many characters of it fit the picture's width (wide letters counted in). */
struct lettering {
    const char *style;
    unsigned columns;
};
static const struct lettering title_lettering = {"font ',17' textcolor rgb '#111111'", 80},
                              subtitle_lettering = {"textcolor rgb '#333333'", 112},
                              warning_lettering = {"textcolor rgb '#a04000'", 112},
                              key_lettering = {"textcolor rgb '#222222'", 46},
                              caption_lettering = {"font ',10' textcolor rgb '#666666'", 140};

static void put_text(
    const struct picture *picture, double x, double y, const struct lettering *lettering, const char *text)
{
    const struct report_style utf8 = {.utf8 = true};
    char clean[512];
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    text_cut(clean, lettering->columns, &utf8);
    fprintf(picture->script, "set label ");
    gnuplot_quote(picture->script, clean);
    fprintf(picture->script, " at screen %.5f, screen %.5f left noenhanced %s\n", screen_x(x),
        screen_y(picture, y), lettering->style);
}

static void write_terminal(const struct picture *picture, enum picture_format format)
{
    static const struct {
        const char *name, *options;
        unsigned scale;
    } terminals[] = {
        [PICTURE_SVG] = {"svg", "font 'sans-serif,12' background '#ffffff'", 1},
        [PICTURE_PNG] = {"pngcairo",
            "font 'Sans,12' fontscale 2 linewidth 2 pointscale 2 background '#ffffff'", 2},
    };
    unsigned scale = terminals[format].scale;
    fprintf(picture->script, "set terminal %s size %u,%u noenhanced %s\n", terminals[format].name,
        WIDTH * scale, picture->height * scale, terminals[format].options);
    fputs(
        "set encoding utf8\nset multiplot\nunset key\nset tics nomirror\nset border 3 lw 1 lc rgb '#888888'\n"
        "set tics textcolor rgb '#333333'\n"
        "set grid ytics back lt 1 lw 0.7 lc rgb '#e4e4e4'\n",
        picture->script);
}

static void write_title(const struct picture *picture, const struct curves *curves)
{
    char cpu[BASELINE_BYTES], note[BASELINE_BYTES], label[48] = "", line[512];
    const struct result *result = picture->result;
    const struct fact *kernel = &result->host.kernel;
    bool one = curves->group_count == 1;
    snprintf(line, sizeof line, "Pointer chase%s%s", one ? ", " : "", one ? curves->groups[0].name : "");
    put_text(picture, 20, 28, &title_lettering, line);
    baseline_cpu(&result->host, cpu);
    const struct monitor_facts *kvm = result_monitor(result, "kvm");
    if (kvm && kvm->usable)
        monitor_label(kvm, "kvm", label);
    snprintf(line, sizeof line, "%s%s%s%s%s", cpu, kernel->known ? " · Linux " : "",
        kernel->known ? kernel->text : "", label[0] ? " · " : "", label);
    put_text(picture, 20, 54, &subtitle_lettering, line);
    baseline_note(&result->host, note);
    snprintf(line, sizeof line, "%s: the machine below is part of the baseline", note);
    if (note[0])
        put_text(picture, 20, 75, &warning_lettering, line);
}

static void samples_text(const struct result *result, char text[96])
{
    size_t least = SIZE_MAX, most = 0;
    unsigned placements = 0;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        least = cell->sample_count < least ? cell->sample_count : least;
        most = cell->sample_count > most ? cell->sample_count : most;
        placements = cell->placements > placements ? cell->placements : placements;
    }
    if (least == most)
        snprintf(text, 96, "%zu samples of each cell", most);
    else
        snprintf(text, 96, "%zu to %zu samples of each cell", least, most);
    size_t used = strlen(text);
    snprintf(text + used, 96 - used, " from up to %u placement%s", placements, placements == 1 ? "" : "s");
}

static bool has_intervals(const struct result *result)
{
    for (size_t i = 0; i < result->comparison_count; i++)
        if (isfinite(result->comparisons[i].low) && isfinite(result->comparisons[i].high))
            return true;
    return false;
}

static bool is_inside(const struct picture *picture, double bytes)
{
    return bytes > picture->x.low && bytes < picture->x.high;
}

/* What the marks are; which of the two kinds there are may differ from section to section. */
static void marks_text(const struct picture *picture, char text[256])
{
    const char *curve = picture->marks.curve ? picture->marks.curve->name : "";
    if (picture->marks.measured_count)
        snprintf(text, 256, "marks: yellow: where the latency steps up, measured in %.100s%s", curve,
            picture->marks.told.count ? "; dotted: sizes that CPUID says" : "");
    else
        snprintf(text, 256, "%s",
            picture->marks.told.count
                ? "marks: dotted: sizes that CPUID says; no measured step stands out of the noise"
                : "");
}

static void write_caption(const struct picture *picture)
{
    const struct result *result = picture->result;
    char samples[96], line[512], marks[256];
    samples_text(result, samples);
    snprintf(line, sizeof line, "vcost %.20s · %s · %s%s%s", this_tool.version, result->started, samples,
        result->complete ? "" : " · INCOMPLETE: ", result->complete ? "" : result->incomplete_reason);
    put_text(picture, 20, picture->height - 52, &caption_lettering, line);
    put_text(picture, 20, picture->height - 34, &caption_lettering,
        has_intervals(result) ? "bands and bars: 95 % intervals of the ratio, made over placements"
                              : "no intervals: these need at least two placements and a baseline");
    marks_text(picture, marks);
    put_text(picture, 20, picture->height - 16, &caption_lettering, marks);
}

/* --- data --- */

static bool slowdown_value(const struct curve_point *point, double *value)
{
    if (!point_compared(point))
        return false;
    *value = slowdown_percent(point->against->ratio);
    return true;
}

static bool latency_value(const struct curve_point *point, double *value)
{
    if (!point_measured(point) || point->cell->median <= 0)
        return false;
    *value = point->cell->median;
    return true;
}

/* A curve's points; an empty line breaks the line where a cell is missing. */
static void write_points(const struct picture *picture, const struct panel *panel, const struct curve *curve,
    size_t count, size_t id)
{
    fprintf(picture->script, "$line%zu << END\n", id);
    for (size_t i = 0; i < count; i++) {
        double value;
        if (panel->value(&curve->points[i], &value))
            fprintf(picture->script, "%llu %.9g\n", (unsigned long long)curve->points[i].working_set_bytes,
                value);
        else
            fputc('\n', picture->script);
    }
    fputs("END\n", picture->script);
}

static double clamp(double value, const struct span *span)
{
    return fmax(span->low, fmin(span->high, value));
}

/* The length of the run of points with intervals that starts at `from`. */
static size_t run_length(const struct curve *curve, size_t from, size_t count)
{
    size_t length = 0;
    while (from + length < count && point_interval(&curve->points[from + length]))
        length++;
    return length;
}

/* One datablock for each run of intervals; ends outside of the picture are put on its edge. */
static void write_intervals(const struct picture *picture, const struct panel *panel,
    const struct curve *curve, size_t count, size_t id)
{
    for (size_t from = 0; from < count; from++) {
        size_t length = run_length(curve, from, count);
        if (!length)
            continue;
        fprintf(picture->script, "$band%zu_%zu << END\n", id, from);
        for (size_t i = from; i < from + length; i++) {
            const struct result_comparison *against = curve->points[i].against;
            fprintf(picture->script, "%llu %.9g %.9g %.9g\n",
                (unsigned long long)curve->points[i].working_set_bytes,
                clamp(slowdown_percent(against->low), &panel->y.range),
                clamp(slowdown_percent(against->high), &panel->y.range), slowdown_percent(against->ratio));
        }
        fputs("END\n", picture->script);
        from += length;
    }
}

/* --- plotting --- */

static void plot_intervals(const struct picture *picture, const struct curve *curve, const struct look *look,
    size_t count, size_t id)
{
    for (size_t from = 0; from < count; from++) {
        size_t length = run_length(curve, from, count);
        if (!length)
            continue;
        if (length > 1)
            fprintf(picture->script,
                "$band%zu_%zu using 1:2:3 with filledcurves lc rgb '%s' fs transparent solid 0.18 noborder, "
                "\\\n",
                id, from, look->color);
        else
            fprintf(picture->script,
                "$band%zu_%zu using 1:4:2:3 with yerrorbars pt 0 lw 1.5 lc rgb '%s', \\\n", id, from,
                look->color);
        from += length;
    }
}

static void plot_line(const struct picture *picture, const struct look *look, size_t id)
{
    fprintf(picture->script, "$line%zu using 1:2 with linespoints lw 2 dt %d pt %d ps 0.7 lc rgb '%s', \\\n",
        id, look->dash, look->point, look->color);
}

/* What is done for each curve of a panel. */
typedef void (*curve_step)(const struct picture *picture, const struct panel *panel,
    const struct curve_group *group, const struct curve *curve, size_t id);

static void each_curve(const struct picture *picture, const struct panel *panel, curve_step step)
{
    size_t id = 0;
    for (size_t g = 0; g < picture->curves->group_count; g++)
        for (size_t c = 0; c < picture->curves->groups[g].curve_count; c++)
            if (panel->shows(&picture->curves->groups[g].curves[c]))
                step(
                    picture, panel, &picture->curves->groups[g], &picture->curves->groups[g].curves[c], id++);
}

static void data_step(const struct picture *picture, const struct panel *panel,
    const struct curve_group *group, const struct curve *curve, size_t id)
{
    write_points(picture, panel, curve, group->working_set_count, id);
    if (panel->bands)
        write_intervals(picture, panel, curve, group->working_set_count, id);
}

static void interval_step(const struct picture *picture, const struct panel *panel,
    const struct curve_group *group, const struct curve *curve, size_t id)
{
    struct look look = look_of(picture->curves, group, curve);
    if (panel->bands)
        plot_intervals(picture, curve, &look, group->working_set_count, id);
}

static void line_step(const struct picture *picture, const struct panel *panel,
    const struct curve_group *group, const struct curve *curve, size_t id)
{
    (void)panel;
    struct look look = look_of(picture->curves, group, curve);
    plot_line(picture, &look, id);
}

/* --- the key: two entries a row --- */

enum { KEY_COLUMNS = 2, KEY_WIDTH = (WIDTH - LEFT - RIGHT) / KEY_COLUMNS };

static void key_step(const struct picture *picture, const struct panel *panel,
    const struct curve_group *group, const struct curve *curve, size_t id)
{
    struct look look = look_of(picture->curves, group, curve);
    size_t row = id / KEY_COLUMNS;
    double x = LEFT + (double)(id % KEY_COLUMNS) * KEY_WIDTH, y = panel->key_top + (double)row * KEY_ROW;
    double at = screen_y(picture, y + KEY_ROW / 2.0);
    fprintf(picture->script,
        "set arrow from screen %.5f, screen %.5f to screen %.5f, screen %.5f nohead lw 2 dt %d lc rgb '%s'\n",
        screen_x(x), at, screen_x(x + 34), at, look.dash, look.color);
    fprintf(picture->script, "set label '' at screen %.5f, screen %.5f point pt %d ps 0.8 lc rgb '%s'\n",
        screen_x(x + 17), at, look.point, look.color);
    put_text(picture, x + 44, y + KEY_ROW / 2.0, &key_lettering, curve->name);
}

static unsigned key_rows(const struct picture *picture, const struct panel *panel)
{
    unsigned shown = 0;
    for (size_t g = 0; g < picture->curves->group_count; g++)
        for (size_t c = 0; c < picture->curves->groups[g].curve_count; c++)
            shown += panel->shows(&picture->curves->groups[g].curves[c]);
    return (shown + KEY_COLUMNS - 1) / KEY_COLUMNS;
}

/* --- a panel --- */

/* Pixels from the left of a working set. */
static double x_pixels(const struct picture *picture, double bytes)
{
    double share = log2(bytes / picture->x.low) / log2(picture->x.high / picture->x.low);
    return LEFT + share * (WIDTH - LEFT - RIGHT);
}

/* A row of names above a panel; one for which there is no room is left out. */
struct mark_row {
    const char *title, *color;
    double y; /* pixels from the top */
    double free_from;
};

static struct mark_row start_marks(
    const struct picture *picture, const char *title, const char *color, double y)
{
    fprintf(picture->script,
        "set label '%s' at screen %.5f, screen %.5f right font ',10' textcolor rgb '%s'\n", title,
        screen_x(LEFT - 8), screen_y(picture, y), color);
    return (struct mark_row){title, color, y, LEFT};
}

static void write_mark(const struct picture *picture, struct mark_row *row, double bytes, const char *name,
    struct formatted size)
{
    double x = x_pixels(picture, bytes);
    double half = MARK_LETTER * (double)(strlen(name) + 1 + strlen(size.text)) / 2;
    if (x - half < row->free_from || x + half > WIDTH)
        return;
    fprintf(picture->script,
        "set label '%s %s' at screen %.5f, screen %.5f center font ',10' textcolor rgb '%s'\n", name,
        size.text, screen_x(x), screen_y(picture, row->y), row->color);
    row->free_from = x + half + MARK_LETTER;
}

/* A band from the last size below each step to the first above it, with what reaches so far: "L1d 32K". */
static void write_measured(const struct picture *picture, const struct panel *panel)
{
    if (!picture->marks.measured_count)
        return;
    struct mark_row row = start_marks(picture, "measured", "#806000", panel->top - MARK_ROW * 1.5);
    for (size_t i = 0; i < picture->marks.measured_count; i++) {
        const struct measured_mark *mark = &picture->marks.measured[i];
        fprintf(picture->script,
            "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 behind "
            "fillcolor rgb '#fff0b8' fillstyle solid 1 noborder\n",
            mark->bytes.low, mark->bytes.high);
        write_mark(picture, &row, sqrt(mark->bytes.low * mark->bytes.high), mark_name(mark->reach),
            mark_measured_size(mark->reach));
    }
}

/* A thin dotted line for each: "L1d 32K". */
static void write_told(const struct picture *picture, const struct panel *panel)
{
    const struct told_levels *told = &picture->marks.told;
    if (!told->count)
        return;
    struct mark_row row = start_marks(picture, "CPUID says", "#777777", panel->top - MARK_ROW / 2.0);
    for (size_t i = 0; i < told->count; i++) {
        const struct told_level *level = &told->levels[i];
        if (!is_inside(picture, level->working_set_bytes))
            continue;
        fprintf(picture->script,
            "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead back lw 1 dt 3 lc rgb "
            "'#999999'\n",
            level->working_set_bytes, level->working_set_bytes);
        write_mark(picture, &row, level->working_set_bytes, level->name, mark_told_size(level));
    }
}

/* One labelled tick. In its label gnuplot takes %% for a per cent sign. */
static void write_tick(FILE *script, bool first, const char *label, double value)
{
    fputs(first ? "'" : ", '", script);
    for (; *label; label++)
        fputs(*label == '%' ? "%%" : (char[]){*label, 0}, script);
    fprintf(script, "' %.9g", value);
}

static void write_ticks(const struct picture *picture, const struct panel *panel)
{
    const struct axis *x = &picture->sizes, *y = &panel->y;
    fputs("set xtics (", picture->script);
    for (size_t i = 0; i < x->tick_count; i++)
        write_tick(picture->script, i == 0, format_size_short((uint64_t)x->ticks[i]).text, x->ticks[i]);
    fputs(")\nset ytics (", picture->script);
    for (size_t i = 0; i < y->tick_count; i++)
        write_tick(picture->script, i == 0, panel->label(y->ticks[i]).text, y->ticks[i]);
    fputs(")\n", picture->script);
}

static void write_axes(const struct picture *picture, const struct panel *panel)
{
    fprintf(picture->script, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n", screen_x(LEFT),
        screen_x(WIDTH - RIGHT));
    fprintf(picture->script, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
        screen_y(picture, panel->top), screen_y(picture, panel->bottom));
    fprintf(picture->script, "unset logscale\nset logscale x 2\n%s",
        panel->logarithmic ? "set logscale y 10\n" : "");
    fprintf(picture->script, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n", picture->x.low,
        picture->x.high, panel->y.range.low, panel->y.range.high);
    write_ticks(picture, panel);
    fprintf(picture->script,
        "set label '%s' at screen %.5f, screen %.5f center rotate by 90 textcolor rgb '#333333'\n",
        panel->name, screen_x(16), screen_y(picture, (panel->top + panel->bottom) / 2.0));
    if (panel->last)
        fprintf(picture->script,
            "set label 'working set (bytes)' at screen %.5f, screen %.5f center textcolor rgb '#333333'\n",
            screen_x(LEFT + (WIDTH - LEFT - RIGHT) / 2.0), screen_y(picture, panel->bottom + X_LABELS + 6));
    if (!panel->logarithmic)
        fputs("set arrow from graph 0, first 0 to graph 1, first 0 nohead back lw 1.2 lc rgb '#555555'\n",
            picture->script);
}

static void write_panel(const struct picture *picture, const struct panel *panel)
{
    each_curve(picture, panel, data_step);
    write_axes(picture, panel);
    write_measured(picture, panel);
    write_told(picture, panel);
    each_curve(picture, panel, key_step);
    fputs("plot ", picture->script);
    each_curve(picture, panel, interval_step);
    each_curve(picture, panel, line_step);
    fputs("NaN notitle\nunset label\nunset arrow\nunset object\n", picture->script);
}

/* --- the whole --- */

static bool is_compared(const struct curve *curve)
{
    return curve->compared;
}

static bool always(const struct curve *curve)
{
    (void)curve;
    return true;
}

/* A part of the picture: all groups together, or one of them where together they were too many to be told
 * apart. */
struct section {
    struct curves curves;
    struct panel slowdown, latency;
    bool compared;
};

/* Puts a panel below `top`; returns where it ends. */
static unsigned place(const struct picture *picture, struct panel *panel, unsigned top)
{
    panel->key_top = top;
    panel->top = top + key_rows(picture, panel) * KEY_ROW + 2 * MARK_ROW + 4;
    panel->bottom = panel->top + PANEL_HEIGHT;
    return panel->bottom + X_LABELS;
}

/* Lays a section out below `top`; returns where it ends. One in which nothing was measured takes no room. */
static unsigned place_section(struct picture *picture, struct section *section, unsigned top)
{
    struct span percent, ns;
    section->slowdown = (struct panel){
        "slowdown over native", is_compared, slowdown_value, format_percent_tick, .bands = true};
    section->latency = (struct panel){
        "ns per access", always, latency_value, format_number_tick, .logarithmic = true, .last = true};
    picture->curves = &section->curves;
    if (!curves_latencies(&section->curves, &ns))
        return top;
    axis_log(ns, 10, &section->latency.y);
    section->compared = curves_slowdowns(&section->curves, &percent);
    if (section->compared) {
        axis_linear(percent, 2, 7, &section->slowdown.y);
        top = place(picture, &section->slowdown, top) + 10;
    }
    return place(picture, &section->latency, top) + 30;
}

static void write_section(struct picture *picture, const struct section *section)
{
    picture->curves = &section->curves;
    marks_make(picture->result, picture->curves, &picture->marks);
    if (section->compared)
        write_panel(picture, &section->slowdown);
    if (section->latency.bottom)
        write_panel(picture, &section->latency);
}

static void prepare_x(struct picture *picture, struct span bytes)
{
    double edge = bytes.high > bytes.low ? 1.25 : 2;
    picture->x = (struct span){bytes.low / edge, bytes.high * edge};
    axis_sizes(bytes, 16, &picture->sizes);
}

/* One section while each curve can have a colour of its own, otherwise one for each group. */
static struct section *make_sections(const struct curves *curves, size_t *count)
{
    bool together = curves->group_count == 1 || number_of(curves, NULL) <= PALETTE;
    *count = together ? 1 : curves->group_count;
    struct section *sections = calloc(*count, sizeof *sections);
    for (size_t i = 0; sections && i < *count; i++)
        sections[i].curves = together ? *curves : (struct curves){&curves->groups[i], 1};
    return sections;
}

int picture_script(const struct result *result, const struct curves *curves, enum picture_format format,
    FILE *script, struct error *error)
{
    struct picture picture = {.result = result, .script = script};
    struct span bytes;
    size_t count;
    if (!curves_working_sets(curves, &bytes))
        return error_set(error, ENODATA, "nothing was measured that a picture could show");
    struct section *sections = make_sections(curves, &count);
    if (!sections)
        return error_set(error, ENOMEM, "not enough memory to lay out the picture");
    prepare_x(&picture, bytes);
    unsigned end = result->host.is_guest ? 92 : 70;
    for (size_t i = 0; i < count; i++)
        end = place_section(&picture, &sections[i], end);
    picture.height = end + 58;
    marks_make(result, curves, &picture.marks);
    write_terminal(&picture, format);
    write_title(&picture, curves);
    write_caption(&picture);
    for (size_t i = 0; i < count; i++)
        write_section(&picture, &sections[i]);
    fputs("unset multiplot\n", script);
    free(sections);
    return 0;
}
