s|^#include "cli/chase_options.h"$|&\n#include "clock_command.h"|
s|^    &command_chase,$|&\n    \&command_clock,|
