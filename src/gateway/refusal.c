/*
 * Source: PostgreSQL's documentation, "Frontend/Backend Protocol": Start-up, SSL Session
 * Encryption, Message Formats. A first message has no type: its length, which counts itself, and a
 * code, which is a version of the protocol or a request.
 */
#include "gateway/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REFUSALS_MAX      64   /* at once, of a clone */
#define REFUSAL_WAIT_MS   5000 /* for the first message */
#define REFUSAL_ASKED_MAX 2    /* TLS, and GSSAPI */
#define HEAD_BYTES        8
#define STARTUP_MAX       10000 /* PostgreSQL's own limit */
#define CODE_SSL          80877103
#define CODE_GSS          80877104
#define PROTOCOL_MAJOR    3

typedef struct Refusal {
    Loop *loop;
    GQueue *refusals;
    GList link; /* in refusals */
    Watch watch;
    Timer timer;
    GByteArray *answer;
    unsigned char head[HEAD_BYTES];
    size_t n_head;
    size_t n_left; /* of the message, behind its head */
    int n_asked;
} Refusal;

/* --- the answer --- */

static void refusal_add_field(GByteArray *answer, char kind, const char *text)
{
    g_byte_array_append(answer, (const guint8 *)&kind, 1);
    g_byte_array_append(answer, (const guint8 *)text, (guint)strlen(text) + 1);
}

static GByteArray *refusal_answer(const RefusalReason *why)
{
    GByteArray *answer = g_byte_array_new();
    uint32_t length;

    g_byte_array_append(answer, (const guint8 *)"E\0\0\0\0", 5);
    refusal_add_field(answer, 'S', "FATAL");
    refusal_add_field(answer, 'V', "FATAL");
    refusal_add_field(answer, 'C', why->sqlstate);
    refusal_add_field(answer, 'M', why->message);
    refusal_add_field(answer, 'H', why->hint);
    g_byte_array_append(answer, (const guint8 *)"", 1);
    length = htonl(answer->len - 1); /* without its type */
    memcpy(answer->data + 1, &length, sizeof(length));
    return answer;
}

/* --- the question --- */

typedef enum RefusalStep {
    REFUSAL_WAIT,
    REFUSAL_TELL,
    REFUSAL_END, /* nothing is to be told, or nobody is there */
} RefusalStep;

static uint32_t refusal_number(const unsigned char *bytes)
{
    uint32_t number;

    memcpy(&number, bytes, sizeof(number));
    return ntohl(number);
}

/* Requests to end a query, and what is no protocol of ours, get no answer. */
static RefusalStep refusal_read_head(Refusal *refusal)
{
    uint32_t length = refusal_number(refusal->head);
    uint32_t code = refusal_number(refusal->head + 4);

    if (length == HEAD_BYTES && (code == CODE_SSL || code == CODE_GSS)) {
        refusal->n_head = 0;
        if (++refusal->n_asked > REFUSAL_ASKED_MAX ||
            send(refusal->watch.fd, "N", 1, MSG_NOSIGNAL) != 1)
            return REFUSAL_END;
        return REFUSAL_WAIT;
    }
    if (code >> 16 != PROTOCOL_MAJOR || length < HEAD_BYTES || length > STARTUP_MAX)
        return REFUSAL_END;
    refusal->n_left = length - HEAD_BYTES;
    return refusal->n_left == 0 ? REFUSAL_TELL : REFUSAL_WAIT;
}

/* All of the message is read: closing would reset the connection, and lose the answer, otherwise. */
static RefusalStep refusal_read(Refusal *refusal)
{
    char scrap[1024];
    RefusalStep step = REFUSAL_WAIT;

    while (step == REFUSAL_WAIT) {
        bool is_head = refusal->n_head < HEAD_BYTES;
        ssize_t n = is_head
                        ? recv(refusal->watch.fd, refusal->head + refusal->n_head,
                               HEAD_BYTES - refusal->n_head, 0)
                        : recv(refusal->watch.fd, scrap, MIN(refusal->n_left, sizeof(scrap)), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return REFUSAL_WAIT;
        if (n <= 0)
            return REFUSAL_END;
        if (is_head)
            refusal->n_head += (size_t)n;
        else
            refusal->n_left -= (size_t)n;
        if (is_head && refusal->n_head == HEAD_BYTES)
            step = refusal_read_head(refusal);
        else if (!is_head && refusal->n_left == 0)
            step = REFUSAL_TELL;
    }
    return step;
}

/* --- begin and end --- */

static void refusal_free(Refusal *refusal)
{
    loop_stop_timer(refusal->loop, &refusal->timer);
    loop_unwatch(refusal->loop, &refusal->watch);
    g_queue_unlink(refusal->refusals, &refusal->link);
    close(refusal->watch.fd);
    g_byte_array_unref(refusal->answer);
    g_free(refusal);
}

static void refusal_on_ready(Watch *watch, uint32_t events)
{
    Refusal *refusal = watch->data;
    RefusalStep step = refusal_read(refusal);

    if (step == REFUSAL_TELL)
        send(watch->fd, refusal->answer->data, refusal->answer->len, MSG_NOSIGNAL);
    if (step != REFUSAL_WAIT)
        refusal_free(refusal);
}

static void refusal_on_time_over(Timer *timer)
{
    refusal_free(timer->data);
}

void refusal_start_take(Loop *loop, GQueue *refusals, int fd, const RefusalReason *why)
{
    Refusal *refusal;

    if (refusals->length >= REFUSALS_MAX) {
        close(fd);
        return;
    }
    refusal = g_new0(Refusal, 1);
    *refusal = (Refusal){
        .loop = loop,
        .refusals = refusals,
        .link.data = refusal,
        .watch = {.fd = fd, .on_ready = refusal_on_ready, .data = refusal},
        .timer = {.on_due = refusal_on_time_over, .data = refusal},
        .answer = refusal_answer(why),
    };
    g_queue_push_tail_link(refusals, &refusal->link);
    loop_set_timer(loop, &refusal->timer, REFUSAL_WAIT_MS);

    Error *e = loop_watch(loop, &refusal->watch, EPOLLIN);

    if (e) {
        error_free(e); /* closed without a word */
        refusal_free(refusal);
    }
}

void refusal_cut_all(GQueue *refusals)
{
    while (refusals->head)
        refusal_free(refusals->head->data);
}
