/*
 * SQLSTATEs, sorted by what our callers do about them.
 */
#include "postgres/sqlstate.h"

#include <glib.h>

/*
 * What an SQLSTATE means to a caller; the first row that begins like it counts.
 * Source: PostgreSQL manual, appendix A.
 */
static const struct {
    const char *prefix;
    ErrorCode code;
} sqlstate_codes[] = {
    {"22", ERR_INVALID},      /* a value that is none            */
    {"28", ERR_DENIED},       /* password or pg_hba.conf refused */
    {"42501", ERR_DENIED},    /* insufficient privilege          */
    {"3D000", ERR_NOT_FOUND}, /* no such database                */
    {"3F000", ERR_NOT_FOUND}, /* no such schema                  */
    {"42P01", ERR_NOT_FOUND}, /* no such table                   */
    {"42703", ERR_NOT_FOUND}, /* no such column                  */
    {"42704", ERR_NOT_FOUND}, /* no such object                  */
    {"42883", ERR_NOT_FOUND}, /* no such function                */
    {"42710", ERR_CONFLICT},  /* object exists                   */
    {"42P04", ERR_CONFLICT},  /* database exists                 */
    {"42P06", ERR_CONFLICT},  /* schema exists                   */
    {"42P07", ERR_CONFLICT},  /* table exists                    */
    {"53100", ERR_NO_SPACE},  /* disk full                       */
    {"53200", ERR_BUSY},      /* out of memory, of locks         */
    {"53300", ERR_BUSY},      /* too many connections            */
    {"55000", ERR_CONFLICT},  /* not in the state for it         */
    {"55006", ERR_BUSY},      /* object in use                   */
    {"55P03", ERR_BUSY},      /* lock not available              */
    {"57014", ERR_TIMEOUT},   /* cancelled, by statement_timeout */
    {"57P03", ERR_BUSY},      /* starting up                     */
    {"58P01", ERR_NOT_FOUND}, /* no such file: a library         */
};

ErrorCode sqlstate_code(const char *sqlstate)
{
    for (size_t i = 0; sqlstate && i < G_N_ELEMENTS(sqlstate_codes); i++)
        if (g_str_has_prefix(sqlstate, sqlstate_codes[i].prefix))
            return sqlstate_codes[i].code;
    return ERR_EXTERNAL;
}
