/*
 * The one table of commands and options. Parsing, help, shell completion and docs/cli.md all read
 * it. To add a command: write its function in a cmd_*.c file, declare it below, add its row in
 * commands.c.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

typedef struct Cli Cli;

typedef enum OptionKind {
    OPTION_TEXT,       /* --name VALUE, --name=VALUE; the last one counts             */
    OPTION_FLAG,       /* --name, --name=true, --name=false                           */
    OPTION_LIST,       /* as text, but each one counts                                */
    OPTION_DURATION,   /* text like "30s", "5m"                                       */
    OPTION_CHOICE,     /* text out of value_name: "json|table"                        */
    OPTION_PROTECTION, /* as protection.h has it; may be left out, and is "true" then */
} OptionKind;

typedef struct Option {
    const char *name;
    char letter; /* short form, or 0 */
    OptionKind kind;
    const char *value_name; /* in help: "FILE"; completion knows FILE, CLONE_ID, SNAPSHOT_ID, … */
    const char *env;        /* read from RAMET_<env>, then DBLAB_<env>; NULL = from neither     */
    const char *help;
    bool is_required;
    bool is_hidden;
} Option;

typedef enum ArgumentKind {
    ARGUMENT_NONE,
    ARGUMENT_REQUIRED,
    ARGUMENT_OPTIONAL,
    ARGUMENT_ANY, /* any number */
} ArgumentKind;

/* A row without run is a group of the commands below it. */
typedef struct Command {
    const char *name; /* its words: "clone create" */
    const char *summary;
    const char *details; /* more for its help; NULL = nothing */
    ArgumentKind argument_kind;
    const char *argument;    /* "CLONE_ID"                                             */
    const char *passthrough; /* "PSQL_ARGUMENT": what may follow "--"; NULL = nothing  */
    const Option *options;   /* besides the global ones; ended by a row without a name */
    bool needs_server;       /* cli_connect() is called before run                     */
    bool is_hidden;
    Error *(*run)(Cli *cli);
} Command;

extern const Command commands[];      /* ended by a row without name */
extern const Option global_options[]; /* the same                    */

/* The row with exactly this name; NULL when there is none. */
const Command *command_find(const char *name);

/* True for a row without run: it has subcommands. */
bool command_is_group(const Command *command);

/* True when the command is one word below the group; NULL is the root. */
bool command_is_child(const Command *command, const Command *group);

/* The last word of its name. */
const char *command_word(const Command *command);

/* "clone reset [options] CLONE_ID". Caller frees. */
char *command_usage(const Command *command);

/* The row by its long name, the command's own first, then the global ones. command may be NULL. */
const Option *option_find(const Command *command, const char *name);

/* The same by one letter. */
const Option *option_find_letter(const Command *command, char letter);

/* False for a flag; true also where the value may be left out. */
bool option_has_value(const Option *option);

/* One function a row; they are in the cmd_*.c file of their noun. */
Error *cmd_init(Cli *cli);
Error *cmd_config_create(Cli *cli);
Error *cmd_config_update(Cli *cli);
Error *cmd_config_view(Cli *cli);
Error *cmd_config_list(Cli *cli);
Error *cmd_config_switch(Cli *cli);
Error *cmd_config_remove(Cli *cli);
Error *cmd_config_show_global(Cli *cli);
Error *cmd_config_set_global(Cli *cli);
Error *cmd_clone_list(Cli *cli);
Error *cmd_clone_status(Cli *cli);
Error *cmd_clone_create(Cli *cli);
Error *cmd_clone_update(Cli *cli);
Error *cmd_clone_reset(Cli *cli);
Error *cmd_clone_destroy(Cli *cli);
Error *cmd_clone_logs(Cli *cli);
Error *cmd_snapshot_list(Cli *cli);
Error *cmd_snapshot_create(Cli *cli);
Error *cmd_snapshot_update(Cli *cli);
Error *cmd_snapshot_delete(Cli *cli);
Error *cmd_instance_status(Cli *cli);
Error *cmd_instance_version(Cli *cli);
Error *cmd_instance_full_refresh(Cli *cli);
Error *cmd_psql(Cli *cli);
Error *cmd_refresh(Cli *cli);
Error *cmd_doctor(Cli *cli);
Error *cmd_completion(Cli *cli);
Error *cmd_ids(Cli *cli);
Error *cmd_help(Cli *cli);
