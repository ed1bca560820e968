/*
 * One request, one answer, through libcurl's easy interface. Redirects are not followed: the
 * headers carry a token that belongs to one server.
 */
#include "base/http_client.h"
#include "base/outside.h"

#include <curl/curl.h>
#include <string.h>

#define HTTP_CONNECT_TIMEOUT_MS 10000
#define HTTP_BODY_MAX           (64 << 20)

typedef struct HttpFailure {
    CURLcode code;
    ErrorCode error;
    const char *hint;
} HttpFailure;

/* What a person can do about curl's errors. The last row stands for all others. */
static const HttpFailure http_failures[] = {
    {CURLE_URL_MALFORMAT, ERR_INVALID, "Write the URL as in \"http://127.0.0.1:2345\"."},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID, "The URL must begin with http:// or https://."},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "Is the server overloaded, or a firewall in between?"},
    {CURLE_ABORTED_BY_CALLBACK, ERR_TIMEOUT, "It was cancelled."},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_EXTERNAL, "Check the host name in the URL."},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_EXTERNAL, "Check http_proxy and https_proxy."},
    {CURLE_COULDNT_CONNECT, ERR_EXTERNAL,
     "Is the server running? Check the host and port in the URL."},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_EXTERNAL,
     "The server's certificate is not trusted: install its CA, or switch the check off."},
    {CURLE_SSL_CONNECT_ERROR, ERR_EXTERNAL, "Does the server speak TLS on this port?"},
    {CURLE_GOT_NOTHING, ERR_EXTERNAL, "Does the server expect https:// on this port?"},
    {CURLE_WRITE_ERROR, ERR_NO_SPACE, "The answer is longer than this client accepts."},
    {CURLE_OK, ERR_EXTERNAL, NULL},
};

typedef struct curl_slist HttpHeaders;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpHeaders, curl_slist_free_all)

static void http_init_once(void)
{
    static gsize is_ready;

    if (g_once_init_enter(&is_ready)) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        g_once_init_leave(&is_ready, 1);
    }
}

typedef struct HttpBody {
    const HttpRequest *request;
    GString *text;
    size_t told; /* up to where lines were told of */
} HttpBody;

static void http_tell_lines(HttpBody *body)
{
    const HttpRequest *request = body->request;
    char *line = body->text->str + body->told;
    char *end;

    for (; (end = strchr(line, '\n')); line = end + 1) {
        g_autofree char *copy = g_strndup(line, (gsize)(end - line));

        request->on_line(g_strchomp(copy), request->on_line_data);
    }
    body->told = (size_t)(line - body->text->str);
}

/* A CURLOPT_WRITEFUNCTION: taking less than is offered ends the transfer. */
static size_t http_take_body(char *chunk, size_t size, size_t n, void *data)
{
    HttpBody *body = data;

    if (body->text->len + size * n > HTTP_BODY_MAX)
        return 0;
    g_string_append_len(body->text, chunk, (gssize)(size * n));
    if (body->request->on_line)
        http_tell_lines(body);
    return size * n;
}

/* A CURLOPT_XFERINFOFUNCTION, called at least once a second: anything but 0 ends the transfer. */
static int http_look_at_cancel(void *data, curl_off_t all, curl_off_t done, curl_off_t all_up,
                               curl_off_t done_up)
{
    return g_cancellable_is_cancelled(data);
}

static bool http_has_header(const HttpRequest *request, const char *name_colon)
{
    for (const char *const *header = request->headers; header && *header; header++)
        if (g_ascii_strncasecmp(*header, name_colon, strlen(name_colon)) == 0)
            return true;
    return false;
}

static Error *http_build_headers(const HttpRequest *request, HttpHeaders **ret_headers)
{
    /* without curl's own ideas about the body */
    g_autoptr(HttpHeaders) headers = curl_slist_append(NULL, "Expect:");

    if (!http_has_header(request, "Content-Type:"))
        headers = curl_slist_append(headers, "Content-Type:");
    for (const char *const *header = request->headers; header && *header; header++) {
        if (strpbrk(*header, "\r\n"))
            return error_new(ERR_INVALID, "a header of the request has more than one line");
        headers = curl_slist_append(headers, *header);
    }
    *ret_headers = g_steal_pointer(&headers);
    return NULL;
}

/* curl asks the environment's proxy even for this machine, if it is not told otherwise. */
static char *http_no_proxy(void)
{
    const char *no_proxy = g_getenv("no_proxy") ? g_getenv("no_proxy") : g_getenv("NO_PROXY");

    if (no_proxy && g_str_equal(no_proxy, "*"))
        return g_strdup(no_proxy);
    return g_strjoin(",", "localhost,127.0.0.1,::1", no_proxy, NULL);
}

static void http_set_options(CURL *curl, const HttpRequest *request, HttpHeaders *headers)
{
    int64_t connect_ms = request->connect_timeout_ms;
    g_autofree char *no_proxy = http_no_proxy();

    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "ramet/" RAMET_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, no_proxy);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE,
                     1L); /* a dead machine is noticed also without a time limit */
    if (request->cancel) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, http_look_at_cancel);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, request->cancel);
    }
    if (request->unix_socket)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(connect_ms > 0 ? connect_ms : HTTP_CONNECT_TIMEOUT_MS));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, request->is_insecure ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, request->is_insecure ? 0L : 2L);
    if (request->body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    else if (g_str_equal(request->method, "POST"))
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
}

/* Out of time before there was a connection: nothing was asked for, so nothing may be under way. */
static CURLcode http_refine(CURL *curl, CURLcode code)
{
    curl_off_t connected_us = 0;

    if (code != CURLE_OPERATION_TIMEDOUT)
        return code;
    curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected_us);
    return connected_us > 0 ? code : CURLE_COULDNT_CONNECT;
}

static Error *http_failure(const HttpRequest *request, CURLcode code, const char *words)
{
    const HttpFailure *row = http_failures;

    while (row->code != CURLE_OK && row->code != code)
        row++;

    Error *e = error_new(row->error, "%s %s: %s", request->method, request->url,
                         *words ? words : curl_easy_strerror(code));

    return row->hint ? error_hint(e, "%s", row->hint) : e;
}

Error *http_request(const HttpRequest *request, HttpResponse *ret_response)
{
    outside_call(__func__);
    http_init_once();

    g_autoptr(CURL) curl = curl_easy_init();
    g_autoptr(HttpHeaders) headers = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    HttpBody body = {request, text, 0};
    char words[CURL_ERROR_SIZE] = "";

    g_assert(curl);
    TRY(http_build_headers(request, &headers));
    http_set_options(curl, request, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, http_take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);

    CURLcode code = curl_easy_perform(curl);

    if (code != CURLE_OK)
        return http_failure(request, http_refine(curl, code), words);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret_response->status);
    ret_response->size = text->len;
    ret_response->body = g_string_free(g_steal_pointer(&text), FALSE);
    return NULL;
}

void http_response_clear(HttpResponse *response)
{
    g_clear_pointer(&response->body, g_free);
}
