#include "postgres/data_files.h"

#include <sys/stat.h>

static const char *const data_files[] = {
    "PG_VERSION",
    "backup_label",
    DATA_EXTERNAL_PID,
    "global/pg_control",
    "global/pg_filenode.map",
    "global/pg_internal.init",
    "pg_logical/replorigin_checkpoint",
    "postgresql.auto.conf",
    "postmaster.opts",
    "postmaster.pid",
    "tablespace_map",
};

Error *data_files_check(const char *data_dir)
{
    for (size_t i = 0; i < G_N_ELEMENTS(data_files); i++) {
        g_autofree char *path = g_build_filename(data_dir, data_files[i], NULL);
        struct stat st;

        if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
            return error_hint(
                error_new(ERR_INVALID, "\"%s\" in its data is not a plain file", data_files[i]),
                "Who used the data has replaced it. A reset makes the clone anew.");
    }
    return NULL;
}
