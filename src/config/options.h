/*
 * The table of all options of server.yml: one row an option. Reading, checking of types, defaults,
 * freeing and the reference manual all go by it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum OptionType {
    OPTION_STRING,
    OPTION_INT,
    OPTION_BOOL,
    OPTION_LIST,      /* list of words                                         */
    OPTION_MAP,       /* name → scalar                                         */
    OPTION_DATABASES, /* name → mapping of lists and words; its parts are rows */
    OPTION_SECTION,   /* holds other options                                   */
    OPTION_ANYTHING,  /* not looked into                                       */
} OptionType;

typedef enum OptionFlags {
    OPTION_RELOADABLE = 1 << 0,   /* may be applied by a reload; the others only at start    */
    OPTION_SECRET = 1 << 1,       /* its value is never printed                              */
    OPTION_NOT_BUILT = 1 << 2,    /* accepted with a warning, and so is what lies beneath it */
    OPTION_EXPANDS = 1 << 3,      /* $NAME and ${NAME} are replaced                          */
    OPTION_CHANGES_DATA = 1 << 4, /* not built: its warning says that no data is changed     */
} OptionFlags;

#define OPTION_NOT_STORED SIZE_MAX

typedef struct Option {
    const char *path; /* "*" stands for any key, "[]" for any item of a list */
    OptionType type;
    size_t offset;        /* of its field in Config, or OPTION_NOT_STORED */
    const char *fallback; /* value when it is absent, as in the file; NULL = "", 0, false */
    int64_t min;
    int64_t max;
    const char *unit;           /* of a number; NULL = none                   */
    const char *const *choices; /* allowed words, NULL-terminated; NULL = any */
    OptionFlags flags;
    const char *help; /* one sentence or two */
} Option;

extern const Option options_table[];
extern const size_t options_count;

/* The row of exactly this path (with "*" and "[]" as in the table); NULL when there is none. */
const Option *options_find(const char *path);

/* True when rows lie beneath the path: ("webhooks.hooks", "[]"), ("server", "."). */
bool options_has_parts(const char *path, const char *separator);

/* False when the option itself, or a section that holds it, is not built yet. */
bool options_is_built(const Option *option);

/*
 * Known names one level beneath the path ("" = top), NULL-terminated, some more than once; caller
 * frees with g_strfreev().
 */
char **options_names(const char *path);
