/*
 * The command line, parsed by the table of commands: which command, its arguments, the options'
 * values.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/error.h"
#include "cli/commands.h"

typedef struct Args {
    const Command *command; /* a leaf or a group; NULL when none was named */
    bool wants_help;
    GPtrArray *arguments;   /* of char *: what is neither command nor option */
    GPtrArray *passthrough; /* of char *: what followed "--" */
    GHashTable *values; /* option name → GPtrArray of char *: as given, or from the environment */
} Args;

/*
 * args_parse - options may stand before and after the arguments, with one dash or two.
 *
 *   argv       without the program's name; NULL-terminated
 *   ret_args   caller frees
 *
 * Errors: ERR_INVALID with a hint: unknown command or option (nearest known name), missing or bad
 *         value, missing or superfluous argument. Required things are not asked for when help is
 *         wanted.
 */
MUST_CHECK Error *args_parse(const char *const *argv, Args **ret_args);
void args_free(Args *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Args, args_free)

/* The option's value, from the command line or its variable, borrowed; NULL = neither. */
const char *args_text(const Args *args, const char *option);

/* False when not given. */
bool args_flag(const Args *args, const char *option);

/* Each value of a repeatable option, in order, borrowed: char *; NULL when there is none. */
const GPtrArray *args_list(const Args *args, const char *option);

/* The first argument, borrowed; NULL when there is none. */
const char *args_argument(const Args *args);

/* Go's and everyone's truth values: 1 t true, 0 f false, in any case. ERR_INVALID otherwise. */
MUST_CHECK Error *args_parse_flag(const char *text, bool *ret_flag);
