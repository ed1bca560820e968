/*
 * One connection over TCP without encryption, one query: each timed by itself.
 */
#include "first_query.h"

#include <libpq-fe.h>

#include "clock.h"

FirstQuery first_query(int64_t port, const char *dbname)
{
    g_autofree char *port_text = g_strdup_printf("%" G_GINT64_FORMAT, port);
    const char *const names[] = {"host",   "port",    "user",       "password",
                                 "dbname", "sslmode", "gssencmode", NULL};
    const char *const values[] = {"127.0.0.1", port_text, BENCH_USER, BENCH_PASSWORD,
                                  dbname,      "disable", "disable",  NULL};
    double began_ms = bench_ms();
    PGconn *pg = PQconnectdbParams(names, values, 0);
    double connected_ms = bench_ms();
    PGresult *result = PQexec(pg, "SELECT 1");

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        g_error("first query at port %s: %s", port_text, PQerrorMessage(pg));

    const FirstQuery took = {connected_ms - began_ms, bench_ms() - connected_ms};

    PQclear(result);
    PQfinish(pg);
    return took;
}
