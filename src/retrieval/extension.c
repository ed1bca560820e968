/*
 * Packages of extensions. Debian calls them postgresql-<major>-<name>; the table has those whose
 * name is not the extension's.
 */
#include "retrieval/extension.h"

#include <glib.h>
#include <string.h>

#include "postgres/version.h"

/* Source: Debian 12 and apt.postgresql.org. A NULL package: part of PostgreSQL itself (contrib). */
static const struct {
    const char *extension;
    const char *package;
} known_packages[] = {
    {"postgis", "postgis-3"},
    {"postgis_raster", "postgis-3"},
    {"postgis_topology", "postgis-3"},
    {"postgis_sfcgal", "postgis-3"},
    {"postgis_tiger_geocoder", "postgis-3"},
    {"address_standardizer", "postgis-3"},
    {"vector", "pgvector"},
    {"timescaledb", "timescaledb"},
    {"plpython3u", "plpython3-"},
    {"plperl", "plperl-"},
    {"plperlu", "plperl-"},
    {"pltcl", "pltcl-"},
    {"hstore_plpython3u", "plpython3-"},
    {"pgrouting", "pgrouting"},
    {"pgaudit", "pgaudit"},
    {"pg_trgm", NULL},
    {"hstore", NULL},
    {"pgcrypto", NULL},
    {"uuid-ossp", NULL},
    {"citext", NULL},
    {"btree_gin", NULL},
    {"btree_gist", NULL},
    {"postgres_fdw", NULL},
    {"dblink", NULL},
    {"ltree", NULL},
    {"unaccent", NULL},
    {"tablefunc", NULL},
    {"intarray", NULL},
    {"pg_stat_statements", NULL},
    {"pg_buffercache", NULL},
    {"pgstattuple", NULL},
    {"amcheck", NULL},
};

/* "pg_cron" → "cron", "pg_stat_kcache" → "pg-stat-kcache": single words lose their "pg_". */
static char *extension_habit(const char *extension)
{
    const char *name = extension;

    if (g_str_has_prefix(name, "pg_") && !strchr(name + 3, '_'))
        name += 3;
    return g_strdelimit(g_ascii_strdown(name, -1), "_", '-');
}

char *extension_package(const char *extension, int64_t major)
{
    g_autofree char *version = version_name(major);

    for (size_t i = 0; i < G_N_ELEMENTS(known_packages); i++) {
        const char *package = known_packages[i].package;
        if (!g_str_equal(known_packages[i].extension, extension))
            continue;
        if (!package)
            return g_strdup_printf("postgresql-%s", version);
        if (g_str_has_suffix(package, "-"))
            return g_strdup_printf("postgresql-%s%s", package, version);
        return g_strdup_printf("postgresql-%s-%s", version, package);
    }
    g_autofree char *name = extension_habit(extension);
    return g_strdup_printf("postgresql-%s-%s", version, name);
}
