/* What a page brings along, embedded by the build (embed.py) from files beside this one. NAME_hash is what a
 * Content-Security-Policy allows it by, "sha256-…". */
#ifndef VCOST_REPORT_PAGE_ASSETS_H
#define VCOST_REPORT_PAGE_ASSETS_H

extern const char chart_style[], chart_style_hash[]; /* chart.css: of a picture alone */
extern const char page_style[], page_style_hash[];   /* chart.css, page.css */
extern const char page_script[], page_script_hash[]; /* page.js */

#endif
