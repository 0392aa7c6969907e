/* What a subcommand is: one table from which the parser (options.h), --help (help.h), the manual page
 * (manual.h) and the bash completion (completion.h) are all made. Nothing about an option is written down
 * twice. */
#ifndef VCOST_CLI_COMMAND_H
#define VCOST_CLI_COMMAND_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* What value an option takes, and the C type that it is stored as at option_spec.offset. */
enum option_kind {
    OPTION_HELP,    /* no value, nothing stored: parsing stops and the invocation says that help is wanted */
    OPTION_VERSION, /* likewise, the version */
    OPTION_FLAG,    /* no value: bool */
    OPTION_QUICK,   /* the same, and option_spec.quick takes the place of each option's default */
    OPTION_NUMBER,  /* whole number from min to max: int; -1 if not given and without a default */
    OPTION_NUMBER_LIST, /* "7,63", each from min to max, none twice: struct number_list */
    OPTION_SIZE_RANGE,  /* "4K..1G" or one size: struct size_range (base/size.h) */
    OPTION_CHOICE,      /* one of choice(): unsigned, its index */
    OPTION_CHOICE_LIST, /* "native,kvm", none twice: struct choice_list; see also option_spec.open_prefix */
    OPTION_SECONDS,     /* "90", "1.5", "90s", "2m", "1h": double; 0 if not given and without a default */
    OPTION_PERCENT,     /* "5%", "5", "0.5%": double; -1 if not given and without a default */
    OPTION_TEXT,        /* anything that is not empty: const char * into argv; NULL if not given */
    OPTION_TEXT_LIST,   /* the same, each time that it is given: struct text_list */
    OPTION_SEED,        /* up to 53 bits, decimal or 0x…: uint64_t */
    OPTION_FILE,        /* path of a file to write: const char * into argv; NULL if not given */
    OPTION_OUTPUT,      /* the same, or "-" for stdout */
    OPTION_KINDS
};

enum { LIST_MAX = 16, CHOICE_ALSO = 9998, CHOICE_OPEN = 9999 };

struct number_list {
    size_t count;
    int values[LIST_MAX]; /* in the order typed */
};

struct choice_list {
    size_t count;                /* 0 if not given and without a default */
    unsigned indices[LIST_MAX];  /* into the option's choices, in the order typed; CHOICE_ALSO,
                                    CHOICE_OPEN: none of them */
    const char *names[LIST_MAX]; /* an open item is the user's own text, into argv */
};

struct text_list {
    size_t count;
    const char *texts[LIST_MAX]; /* into argv, in the order typed */
};

/* One word that an option or an operand can be. */
struct choice {
    const char *name;
    const char *summary; /* one line */
};

/* Choice number `index`, {NULL, NULL} past the end. A function, so that another room's table stays the only
 * one. */
typedef struct choice choice_function(size_t index);

/* An entry of a table of options. Texts are plain ASCII without layout: they are folded to the terminal's
 * width and made roff of. "--name" in a text is set bold in the manual. */
struct option_spec {
    const char *name; /* without "--" */
    char letter;      /* 0: no short form */
    enum option_kind kind;
    size_t offset;          /* in the structure that the group's options are stored in */
    const char *value_name; /* "SECONDS"; NULL for an option without value */
    const char
        *fallback; /* the default as a user would type it; NULL: none. It is parsed, so it is the default */
    const char *quick;        /* the default with --quick, where it is another one */
    const char *default_note; /* says in words what happens without the option, where there is no fallback */
    long min, max;            /* OPTION_NUMBER and OPTION_NUMBER_LIST */
    choice_function *choice;  /* OPTION_CHOICE and OPTION_CHOICE_LIST */
    bool listed_elsewhere;    /* its choices are many, and are in the same help already */
    /* Changes only what is shown of what was found, or what is done with it, not what is measured: no setting
     * of a result (settings.h). Files to write need not say so. */
    bool only_shows;
    /* OPTION_CHOICE_LIST: an item that begins with this and has more after it is taken as it is, up to the
     * end of the argument, commas included. Such an option adds to itself when it is given again, and has no
     * default. */
    const char *open_prefix;
    /* OPTION_CHOICE_LIST: further words that are taken, too many to list; and what begins and ends with
     * these, which is kept as it was typed and hence the last of its argument. NULL: none. */
    choice_function *also;
    const char *also_begins, *also_ends;
    const char *also_listed; /* where those further words are listed, a clause */
    const char *help;        /* one or more sentences */
};

/* Options that belong together, under a title of their own in the help. What several commands have stands in
 * one table (common_options.h) and is a group of each of them. */
struct option_group {
    const char *title; /* NULL: goes on under the title of the group before it */
    const struct option_spec *options;
    size_t count;
    size_t base; /* added to each offset: where in the command's structure this group's is */
};

struct example {
    const char *line; /* as typed, without prompt */
    const char *text; /* what it is good for, one sentence without full stop */
};

/* A name with what is to be said about it: an exit status, a file, an environment variable. */
struct entry {
    const char *name, *text;
};

/* Words after the options. */
struct operand_spec {
    const char *name; /* "TOPIC"; NULL: the command takes none */
    const char *help;
    choice_function *choice; /* what they can be; NULL: anything, and files are completed */
    size_t min, max;         /* how many, max <= OPERANDS_MAX */
    /* The first operand ends the options, "--" before it or not: from there on every word is an operand,
     * whatever it looks like, and there may be any number of them (max is not looked at). */
    bool rest;
    bool reads; /* they are files to read, of which only one can be "-", stdin */
};

enum { OPERANDS_MAX = 256, GROUPS_MAX = 14, PARAGRAPHS_MAX = 8, EXAMPLES_MAX = 16, ENTRIES_MAX = 8 };

/* A command line that has been read. */
struct invocation {
    const struct command *command;
    int argc; /* the whole line as typed, argv[0] included: for result.argv */
    char **argv;
    bool help, version;  /* asked for; then nothing else is to be relied on */
    const void *options; /* the command's own structure, options_bytes long */
    size_t operand_count;
    const char *const *operands; /* each into argv: `words`, or with operand_spec.rest argv itself */
    const char *words[OPERANDS_MAX];
};

struct command {
    const char *name;    /* as typed after "vcost": "chase", "domain save"; "" for vcost itself */
    const char *summary; /* one line, lower case, no full stop */
    const char *description[PARAGRAPHS_MAX + 1];
    const struct option_group groups[GROUPS_MAX + 1]; /* ends with a group without options */
    struct operand_spec operand;
    struct example examples[EXAMPLES_MAX + 1];
    struct entry exit_notes[ENTRIES_MAX + 1]; /* in the place of the common exit statuses, or beside them */
    struct entry files[ENTRIES_MAX + 1], environment[ENTRIES_MAX + 1];
    const char *see_also[ENTRIES_MAX + 1]; /* "vcost(1)" */
    bool hidden;                           /* for the build, not for people: in no list, no manual page */
    size_t options_bytes;
    /* Its subcommands in the order of the help, ends with NULL; NULL: none. It has no run() then: what it has
     * of its own are options for help. */
    const struct command *const *commands;
    /* What no single option can know: whether they go together. Its sentence is reported as wrong usage. May
     * be NULL. */
    int (*check)(const void *options, struct error *error);
    int (*run)(const struct invocation *invocation); /* returns the exit status (status.h) */
};

/* vcost itself (global options, no run). */
extern const struct command command_vcost;

/* Number `index` of all commands below `root`, each followed by its own subcommands; NULL past the end. */
const struct command *command_at(const struct command *root, size_t index);

/* Goes down from `root` as far as words name subcommands, hidden ones too: where that ends, root itself if
 * nowhere. *used is how many words that took. */
const struct command *command_find(
    const struct command *root, size_t count, const char *const *words, size_t *used);

/* The command that a command line names, below *command; *used is how many words its name took. A command
 * with subcommands is chosen where an option follows it; -EINVAL with a sentence if the word that follows is
 * none of them or missing: *command is then whose subcommands were looked at. */
int command_choose(size_t count, const char *const *words, const struct command **command, size_t *used,
    struct error *error);

/* -EINVAL with the sentence that `word` is no subcommand of it, with a suggestion. */
int command_unknown(const struct command *command, const char *word, struct error *error);

/* The last word of its name, which is what is typed: "save" of "domain save". */
const char *command_word(const struct command *command);

/* Subcommand number `index` of those that people are told of, {NULL, NULL} past the end. */
struct choice command_choice(const struct command *command, size_t index);

#endif
