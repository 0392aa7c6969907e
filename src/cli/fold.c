#include "cli/fold.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40, WIDTH_MAX = 100 };

void fold_text(const struct fold_frame *frame, unsigned used, const char *text)
{
    unsigned column = used;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > frame->indent && column + 1 + (unsigned)length > frame->width) {
            fputc('\n', frame->out);
            column = 0;
        }
        if (column < frame->indent)
            fprintf(frame->out, "%*s%.*s", (int)(frame->indent - column), "", length, text);
        else
            fprintf(frame->out, "%s%.*s", column ? " " : "", length, text);
        column = column < frame->indent ? frame->indent : column + (column > 0);
        column += (unsigned)length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', frame->out);
}

unsigned fold_width(FILE *out)
{
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_col)
        return WIDTH_DEFAULT;
    if (size.ws_col < WIDTH_MIN)
        return WIDTH_MIN;
    return size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
}
