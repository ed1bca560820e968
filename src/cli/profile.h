/*
 * The client's config file: ~/.ramet/cli.yml. Where that is missing, the file of the DBLab client
 * is read in its place (same format) and never written. Held as JSON: {"current_environment",
 * "environments": {…}, "settings"}.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

typedef struct Profile {
    json_t *root; /* an object; unknown keys are kept */
    bool exists;  /* a file was read                  */
    int lock_fd;  /* held until profile_free(); -1 = read only */
} Profile;

/*
 * Caller frees. ERR_INVALID the file is no YAML mapping (with its name and line), or stands for
 * more than 10,000 values; ERR_EXTERNAL.
 */
MUST_CHECK Error *profile_load(Profile **ret_profile);

/* The same for who will save it: others who want to change it wait until profile_free(). */
MUST_CHECK Error *profile_load_to_change(Profile **ret_profile);

/* An empty one: what profile_load() gives where there is no file. */
Profile *profile_new(void);
void profile_free(Profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profile, profile_free)

/*
 * Writes ~/.ramet/cli.yml, 0600, in a directory of 0700, whole or not at all. The profile is one of
 * profile_load_to_change().
 */
MUST_CHECK Error *profile_save(const Profile *profile);

/* The environment's object, borrowed; NULL when there is none. */
json_t *profile_environment(const Profile *profile, const char *id);

/* "environments" itself, made when missing; borrowed. */
json_t *profile_environments(Profile *profile);

/* "" when there is none. */
const char *profile_current_id(const Profile *profile);
void profile_set_current_id(Profile *profile, const char *id);

/* The current environment's object, borrowed; NULL when there is none. */
json_t *profile_current(const Profile *profile);

/* The pure parts of reading and writing; file is for messages. Caller owns the results. */
MUST_CHECK Error *profile_parse(const char *text, const char *file, json_t **ret_root);
char *profile_format(json_t *root);
