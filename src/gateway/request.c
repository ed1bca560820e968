/*
 * Each verb has a function that reads its members into the request. Whoever sends is root or the
 * gateway's own user; the checks are for mistakes, and so that a path or an id is always printable.
 */
#include "gateway/request.h"

#include <string.h>

#include "base/text.h"

#define REQUEST_SHOWN_MAX 40 /* bytes of a stranger's word in a message */

/* --- members --- */

static Error *request_bad(const char *member, const char *what)
{
    return error_new(ERR_INVALID, "member \"%s\" must be %s", member, what);
}

static Error *request_read_text(const json_t *root, const char *member, const char **ret_text)
{
    const char *text = json_string_value(json_object_get(root, member));

    if (!text)
        return request_bad(member, "a text");
    *ret_text = text;
    return NULL;
}

static Error *request_read_number(const json_t *root, const char *member, int64_t min, int64_t max,
                                  int64_t *ret_number)
{
    const json_t *value = json_object_get(root, member);
    int64_t number = json_integer_value(value);

    if (json_is_integer(value) && number >= min && number <= max) {
        *ret_number = number;
        return NULL;
    }
    return error_new(ERR_INVALID,
                     "member \"%s\" must be a number from %" G_GINT64_FORMAT
                     " to %" G_GINT64_FORMAT,
                     member, min, max);
}

static Error *request_read_id(const json_t *root, const char **ret_id)
{
    const char *id = NULL;

    TRY(request_read_text(root, "id", &id));

    size_t length = strlen(id);

    if (length == 0 || length > GATEWAY_ID_MAX ||
        strspn(id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") != length)
        return request_bad("id", "1 to 64 of A-Z a-z 0-9 . _ -");
    *ret_id = id;
    return NULL;
}

static Error *request_read_path(const json_t *root, const char **ret_path)
{
    const char *path = NULL;

    TRY(request_read_text(root, "socket_path", &path));
    for (const char *c = path; *c; c++)
        if (g_ascii_iscntrl(*c))
            return request_bad("socket_path", "free of control characters");
    if (path[0] != '/' || strlen(path) > GATEWAY_PATH_MAX)
        return request_bad("socket_path", "an absolute path of at most 512 bytes");
    *ret_path = path;
    return NULL;
}

/* Whether each is an address is for the kernel to say. */
static Error *request_read_addresses(const json_t *root, const char *const **ret_addresses)
{
    const json_t *list = json_object_get(root, "addresses");
    size_t n = json_array_size(list);

    if (n == 0 || n > GATEWAY_ADDRESSES_MAX)
        return request_bad("addresses", "an array of 1 to 16 addresses");

    g_autofree const char **addresses = g_new0(const char *, n + 1);

    for (size_t i = 0; i < n; i++) {
        addresses[i] = json_string_value(json_array_get(list, i));
        if (!addresses[i] || strlen(addresses[i]) > GATEWAY_ID_MAX)
            return request_bad("addresses", "an array of texts of at most 64 bytes");
    }
    *ret_addresses = g_steal_pointer(&addresses);
    return NULL;
}

/* --- verbs --- */

static Error *request_read_nothing(Request *request)
{
    return NULL;
}

static Error *request_read_name(Request *request)
{
    return request_read_id(request->root, &request->id);
}

static Error *request_read_hold(Request *request)
{
    TRY(request_read_id(request->root, &request->id));
    return request_read_number(request->root, "timeout_ms", 1, GATEWAY_HOLD_MAX_MS,
                               &request->timeout_ms);
}

static Error *request_read_add(Request *request)
{
    const json_t *root = request->root;
    GatewayClone *clone = &request->clone;

    TRY(request_read_id(root, &clone->id));
    TRY(request_read_path(root, &clone->socket_path));
    TRY(request_read_number(root, "port", 1, UINT16_MAX, &clone->port));
    TRY(request_read_number(root, "max_connections", 0, INT32_MAX, &clone->max_connections));
    return request_read_addresses(root, &clone->addresses);
}

static Error *request_read_list(Request *request)
{
    request->after = "";
    if (!json_object_get(request->root, "after"))
        return NULL;
    return request_read_text(request->root, "after", &request->after);
}

static const struct {
    const char *name;
    Error *(*read)(Request *request);
} request_verbs[REQUEST_N_VERBS] = {
    [REQUEST_HELLO] = {"hello", request_read_nothing},
    [REQUEST_ADD] = {"add", request_read_add},
    [REQUEST_REMOVE] = {"remove", request_read_name},
    [REQUEST_HOLD] = {"hold", request_read_hold},
    [REQUEST_RELEASE] = {"release", request_read_name},
    [REQUEST_LIST] = {"list", request_read_list},
    [REQUEST_QUIT] = {"quit", request_read_nothing},
};

static Error *request_find_verb(const json_t *root, RequestVerb *ret_verb)
{
    const char *name = NULL;

    TRY(request_read_text(root, "op", &name));
    for (size_t i = 0; i < G_N_ELEMENTS(request_verbs); i++) {
        if (g_str_equal(name, request_verbs[i].name)) {
            *ret_verb = (RequestVerb)i;
            return NULL;
        }
    }

    g_autofree char *shown = text_printable(name, REQUEST_SHOWN_MAX);

    return error_new(ERR_INVALID, "unknown op \"%s\"", shown);
}

/* --- requests --- */

void request_clear(Request *request)
{
    g_free((void *)(uintptr_t)request->clone.addresses);
    json_decref(request->root);
    *request = (Request){0};
}

Error *request_read(const char *text, size_t length, Request *ret_request)
{
    json_error_t problem;
    g_auto(Request) request = {0};

    request.root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (!request.root)
        return error_detail(error_new(ERR_INVALID, "the message is not JSON"), "%s.", problem.text);
    TRY(request_find_verb(request.root, &request.verb));

    Error *e = request_verbs[request.verb].read(&request);
    if (e)
        return error_wrap(e, "%s", request_verbs[request.verb].name);
    *ret_request = request;
    request = (Request){0};
    return NULL;
}

/* --- replies --- */

json_t *reply_new(void)
{
    return json_pack("{s:b}", "ok", 1);
}

json_t *reply_failure(const Error *e)
{
    return json_pack("{s:{s:s, s:s, s:s*, s:s*}}", "error", "code", error_code_name(e->code),
                     "message", e->message, "detail", e->detail, "hint", e->hint);
}

/* An unknown code is one of a later version. */
static ErrorCode reply_find_code(const char *name)
{
    for (int code = ERR_INVALID; code <= ERR_BUG; code++)
        if (g_str_equal(name, error_code_name((ErrorCode)code)))
            return (ErrorCode)code;
    return ERR_EXTERNAL;
}

Error *reply_check(const json_t *reply)
{
    const json_t *failure = json_object_get(reply, "error");
    const char *code = json_string_value(json_object_get(failure, "code"));
    const char *message = json_string_value(json_object_get(failure, "message"));
    const char *detail = json_string_value(json_object_get(failure, "detail"));
    const char *hint = json_string_value(json_object_get(failure, "hint"));

    if (json_is_true(json_object_get(reply, "ok")))
        return NULL;
    if (!code || !message)
        return error_new(ERR_EXTERNAL, "the reply makes no sense");

    Error *e = error_new(reply_find_code(code), "%s", message);

    if (detail)
        e = error_detail(e, "%s", detail);
    return hint ? error_hint(e, "%s", hint) : e;
}
