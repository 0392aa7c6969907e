#include "report/findings_report.h"

#include "report/findings_lines.h"
#include "report/findings_list.h"
#include "report/findings_remedies.h"
#include "report/summary.h"
#include "report/terminal.h"

int findings_report_write(const struct result *result, FILE *stream, const struct report_style *style,
    bool verbose, struct error *error)
{
    terminal_headline(result, stream, style);
    findings_list_write(&result->findings, stream, style, verbose);
    int rc = findings_lines_write(result, stream, style, error);
    if (rc < 0)
        return rc;
    findings_remedies_write(&result->findings, stream, style);
    summary_run(result, stream, style);
    return 0;
}
