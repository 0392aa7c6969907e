#include "cli/completion.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/values.h"

/* What does not depend on the tables. Needs no bash-completion package; bash itself hands over "--name=value"
 * as three words because "=" is in its COMP_WORDBREAKS, or as one word where a user took it out. */
static const char head[] =
    "# bash completion for vcost, made from the table of options by `vcost generate completion`. Do not "
    "edit.\n"
    "\n"
    "# The words of $1 that begin with what is typed; $2 is what precedes them in the same shell word.\n"
    "_vcost_words() {\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"${2-}\" -W \"$1\" -- \"$cur\")\n"
    "}\n"
    "\n"
    "# One more word of $1 in a comma list: the ones that are there already are not offered again.\n"
    "_vcost_list() {\n"
    "    local before='' word left=''\n"
    "    [[ $cur == *,* ]] && before=${cur%,*},\n"
    "    for word in $1; do\n"
    "        [[ ,$before == *,$word,* ]] || left+=\" $before$word\"\n"
    "    done\n"
    "    _vcost_words \"$left\" \"$2\"\n"
    "    compopt -o nospace 2>/dev/null\n"
    "}\n"
    "\n"
    "_vcost_files() {\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$1\" -f -- \"$cur\")\n"
    "    compopt -o filenames 2>/dev/null\n"
    "}\n"
    "\n"
    "_vcost() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command='' prefix=''\n"
    "    COMPREPLY=()\n"
    "    ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=''\n"
    "    elif [[ $option == = ]]; then\n"
    "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    elif [[ $cur == --*=* ]]; then\n"
    "        option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}\n"
    "    fi\n"
    "    case \"$command $option\" in\n";

static const char middle[] = "    esac\n"
                             "    case \"$command $cur\" in\n";

static const char tail[] = "    esac\n"
                           "}\n"
                           "\n"
                           "complete -F _vcost vcost\n";

static void choices(FILE *out, choice_function *choice)
{
    for (size_t i = 0; choice(i).name; i++)
        fprintf(out, "%s%s", i ? " " : "", choice(i).name);
}

/* What completes the value of an option. Where nothing can be offered, nothing is, not the options either. */
static void value_case(FILE *out, const struct command *command, const struct option_spec *option)
{
    fprintf(out, "    \"%s --%s\")\n", command->name, option->name);
    if (option->choice) {
        fprintf(out, "        %s \"", value_is_list(option->kind) ? "_vcost_list" : "_vcost_words");
        choices(out, option->choice);
        fputs("\" \"$prefix\"\n", out);
    } else if (option->kind == OPTION_FILE || option->kind == OPTION_OUTPUT) {
        fputs("        _vcost_files \"$prefix\"\n", out);
    }
    fputs("        return\n        ;;\n", out);
}

static void value_cases(FILE *out, const struct command *command)
{
    const struct option_spec *option;
    for (size_t i = 0; (option = option_at(command, i, NULL)); i++)
        if (value_is_wanted(option->kind))
            value_case(out, command, option);
}

static void option_names(FILE *out, const struct command *command)
{
    const struct option_spec *option;
    for (size_t i = 0; (option = option_at(command, i, NULL)); i++)
        fprintf(out, "%s--%s", i ? " " : "", option->name);
}

/* A command's own words: its operands (files where they can be anything), or its options where it has none or
 * where they are begun. */
static void word_cases(FILE *out, const struct command *command)
{
    fprintf(out, "    \"%s -\"*) _vcost_words \"", command->name);
    option_names(out, command);
    if (command->operand.name && !command->operand.choice) {
        fprintf(out, "\" ;;\n    \"%s \"*) _vcost_files '' ;;\n", command->name);
        return;
    }
    fprintf(out, "\" ;;\n    \"%s \"*) _vcost_words \"", command->name);
    if (command->operand.choice)
        choices(out, command->operand.choice);
    else
        option_names(out, command);
    fputs("\" ;;\n", out);
}

static struct choice visible_command(size_t index)
{
    for (size_t i = 0; command_at(i); i++)
        if (!command_at(i)->hidden && !index--)
            return (struct choice){command_at(i)->name, NULL};
    return (struct choice){NULL, NULL};
}

static void first_word_cases(FILE *out)
{
    fputs("    \" -\"*) _vcost_words \"", out);
    option_names(out, &command_vcost);
    fputs("\" ;;\n    \" \"*) _vcost_words \"", out);
    choices(out, visible_command);
    fputs("\" ;;\n", out);
}

void completion_write(FILE *out)
{
    fputs(head, out);
    for (size_t i = 0; command_at(i); i++)
        if (!command_at(i)->hidden)
            value_cases(out, command_at(i));
    fputs(middle, out);
    for (size_t i = 0; command_at(i); i++)
        if (!command_at(i)->hidden)
            word_cases(out, command_at(i));
    first_word_cases(out);
    fputs(tail, out);
}
