/*
 * Names of images, and the credentials that `docker login` or `podman login` have left for their
 * registries. Private to this folder.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

typedef struct ImageName {
    char *repository; /* "debian", "registry.example:5000/team/pg": without tag and digest */
    char *tag;        /* "16", "sha256:…"; "latest" when there is none */
    char *registry;   /* as credentials are filed: "registry.example:5000"; Docker Hub's own */
} ImageName;

void image_name_clear(ImageName *name);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImageName, image_name_clear)

/* Source: grammar of distribution's reference package. */
ImageName image_name_parse(const char *text);

/*
 * registry_auth - value of the header X-Registry-Auth.
 *
 *   registry   as of ImageName
 *   ret_auth   NULL when there are no credentials; caller frees
 *
 * Errors: ERR_INVALID the file of credentials is no JSON; ERR_EXTERNAL a credential helper failed.
 * Source: docker login(1), "Credential stores"; Docker Engine API, "Authentication".
 */
MUST_CHECK Error *registry_auth(const char *registry, char **ret_auth);
