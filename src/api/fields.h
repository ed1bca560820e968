/*
 * Reading a request: the body by a table of its fields, and the numbers of its query.
 *
 * For all bodies alike: keys match without regard to case, one that is there twice (also in another
 * case) is refused, null is the same as absent, a wrong type is an error that names the field, and
 * unknown keys are ignored.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "api/http.h"

/* What was given. Texts and objects are borrowed from the body; a text not given is "". */
typedef struct TextField {
    bool is_given;
    const char *value;
} TextField;

typedef struct BoolField {
    bool is_given;
    bool value;
} BoolField;

typedef struct UintField { /* a whole number, 0..2147483647 */
    bool is_given;
    int64_t value;
} UintField;

typedef struct TimeField {
    bool is_given;
    int64_t at_ms; /* "" gives 0 */
} TimeField;

typedef struct ObjectField {
    bool is_given;
    json_t *value; /* NULL when not given */
} ObjectField;

typedef enum FieldType {
    FIELD_TEXT,
    FIELD_BOOL,
    FIELD_UINT,
    FIELD_TIME,
    FIELD_OBJECT,
} FieldType;

typedef struct Field Field;
struct Field {
    const char *name; /* NULL ends a table */
    FieldType type;
    size_t offset;      /* of the TextField, … in the body's struct */
    const Field *inner; /* of an object: its fields, of the same struct; NULL = its keys are free */
};

typedef struct Body {
    const char *what; /* "clone": of a body that is null, `missing clone request` */
    bool may_be_empty;
    const Field *fields;
} Body;

/*
 * fields_read - the whole body.
 *
 *   ret_values   the struct that the table is of, filled as far as an error is not met
 *   ret_json     what the values borrow from; caller decrefs
 *
 * Errors: ERR_INVALID `failed to unmarshal json: …`, `missing <what> request`. The body's text is
 *         not repeated in them: it may hold a password.
 */
MUST_CHECK Error *fields_read(const Request *request, const Body *body, void *ret_values,
                              json_t **ret_json);

/*
 * fields_query - a whole number of the query, "?wait=30".
 *
 *   ret_value   untouched when it is not there
 *
 * Errors: ERR_INVALID, with a hint that names the bounds.
 */
MUST_CHECK Error *fields_query(const Request *request, const char *name, int64_t min, int64_t max,
                               int64_t *ret_value);
