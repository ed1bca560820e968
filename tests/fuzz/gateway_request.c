/*
 * Messages to the gateway, from a stranger: they may be refused, but must not crash it, be read
 * beyond their end or leak. What is read as a reply is what a gateway might send.
 */
#include <stddef.h>
#include <stdint.h>

#include "gateway/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_request(const char *text, size_t size)
{
    g_auto(Request) request = {0};

    error_free(request_read(text, size, &request));
}

static void fuzz_reply(const char *text, size_t size)
{
    json_t *reply = json_loadb(text, size, 0, NULL);

    error_free(reply_check(reply));
    json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request((const char *)data, size);
    fuzz_reply((const char *)data, size);
    return 0;
}
