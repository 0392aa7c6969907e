#include "cli/completion.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/values.h"

/* What does not depend on the tables. Needs no bash-completion package; bash itself hands over "--name=value"
 * as three words because "=" is in its COMP_WORDBREAKS, or as one word where a user took it out. */
static const char opening[] =
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
    "# A program, by name or path, or one of its arguments.\n"
    "_vcost_program() {\n"
    "    mapfile -t COMPREPLY < <({ compgen -c -- \"$cur\"; compgen -f -- \"$cur\"; } | sort -u)\n"
    "    compopt -o filenames 2>/dev/null\n"
    "}\n"
    "\n";

static const char head[] =
    "_vcost() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command='' prefix='' "
    "word=1\n"
    "    COMPREPLY=()\n"
    "    [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == help ]] && word=2\n"
    "    while ((word < COMP_CWORD)) && _vcost_is_command \"$command ${COMP_WORDS[word]}\"; do\n"
    "        command+=\" ${COMP_WORDS[word++]}\"\n"
    "    done\n"
    "    command=${command# }\n"
    "    if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == help && $cur != -* ]]; then\n"
    "        _vcost_commands \"$command\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=''\n"
    "    elif [[ $option == = ]]; then\n"
    "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    elif [[ $cur == --*=* ]]; then\n"
    "        option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}\n"
    "    fi\n"
    "    case \"$command $option\" in\n";

static const char middle[] = "    esac\n"
                             "    case \"$command:$cur\" in\n";

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

static void option_names(FILE *out, const struct command *command)
{
    const struct option_spec *option;
    for (size_t i = 0; (option = option_at(command, i, NULL)); i++)
        fprintf(out, "%s--%s", i ? " " : "", option->name);
}

/* A command's own words: its subcommands, or its operands (files where they can be anything), or its options
 * where it has none or where they are begun. */
static void word_cases(FILE *out, const struct command *command)
{
    fprintf(out, "    \"%s:-\"*) _vcost_words \"", command->name);
    option_names(out, command);
    fprintf(out, "\" ;;\n    \"%s:\"*) ", command->name);
    if (command->commands) {
        fprintf(out, "_vcost_commands \"%s\" ;;\n", command->name);
    } else if (command->operand.name && !command->operand.choice) {
        fputs(command->operand.rest ? "_vcost_program ;;\n" : "_vcost_files '' ;;\n", out);
    } else {
        fputs("_vcost_words \"", out);
        if (command->operand.choice)
            choices(out, command->operand.choice);
        else
            option_names(out, command);
        fputs("\" ;;\n", out);
    }
}

/* `root` itself and then all commands below it. */
static const struct command *written_at(const struct command *root, size_t index)
{
    return index ? command_at(root, index - 1) : root;
}

/* Which words are commands, and which follow which. */
static void command_functions(FILE *out, const struct command *root)
{
    const struct command *command;
    fputs("_vcost_is_command() {\n    case $1 in\n", out);
    for (size_t i = 0; (command = command_at(root, i)); i++)
        if (!command->hidden)
            fprintf(out, "    \" %s\") return 0 ;;\n", command->name);
    fputs("    esac\n    return 1\n}\n\n_vcost_commands() {\n    case $1 in\n", out);
    for (size_t i = 0; (command = written_at(root, i)); i++) {
        if (!command->commands)
            continue;
        fprintf(out, "    \"%s\") _vcost_words \"", command->name);
        for (size_t j = 0; command_choice(command, j).name; j++)
            fprintf(out, "%s%s", j ? " " : "", command_choice(command, j).name);
        fputs("\" ;;\n", out);
    }
    fputs("    esac\n}\n\n", out);
}

void completion_write(const struct command *root, FILE *out)
{
    const struct command *command;
    const struct option_spec *option;
    fputs(opening, out);
    command_functions(out, root);
    fputs(head, out);
    for (size_t i = 0; (command = written_at(root, i)); i++)
        for (size_t j = 0; (option = option_at(command, j, NULL)) && !command->hidden; j++)
            if (value_is_wanted(option->kind))
                value_case(out, command, option);
    fputs(middle, out);
    for (size_t i = 0; (command = written_at(root, i)); i++)
        if (!command->hidden)
            word_cases(out, command);
    fputs(tail, out);
}
