/*
 * Who asks. It is found out once, when a request's headers are there, and is a value of the request.
 */
#pragma once

/* What a principal may do, each all that those before it may. A route's row says which it needs. */
typedef enum Role {
    ROLE_ANYONE, /* has shown nothing */
    ROLE_ADMIN,  /* has shown the token; or there is none, and server.allowNoToken */
} Role;

typedef struct Principal {
    Role role;
} Principal;
