/*
 * Runtimes: how a PostgreSQL instance runs. Instances outlive rametd; after a restart it finds them
 * again by their identity. Of an instance's paths, only those of its socket directory and its log
 * leave this folder. Its pids never do.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/proc.h"
#include "runtime/instance_limits.h"
#include "runtime/log_file.h"

typedef struct Runtime Runtime;
typedef void (*RuntimeProgress)(const char *words, void *data);

/* image of "oci": a directory, "" = this machine's; of "docker": a name, pulled if missing. */
typedef struct RuntimeSpec {
    const char *driver;    /* "oci", "docker", "process" */
    const char *state_dir; /* exists; holds run/ (sockets, 0711) and logs/; see runtime_open() */
    const char *os_user;   /* unprivileged user of every instance */
    bool is_trusted;       /* the operator's word that all users are trusted (process needs it) */
    bool is_to_look;       /* nothing is made: also where the state cannot be written */
    const char *program;   /* of "oci": crun or runc, by name or path; "" = what there is */
    const char *image;
    const char *host;         /* of "docker": "unix:///path", "" = the usual places */
    const json_t *container;  /* of "docker": what goes into the body that makes a container */
    int64_t log_bytes;        /* of a log; a container's writer allows for twice of it */
    RuntimeProgress progress; /* is told of what takes long, in words for the log; or NULL */
    void *progress_data;
} RuntimeSpec;

/*
 * runtime_open - probe the driver and find the instances that run already. The state directory is
 * this server's identity: only instances that were started under it are this server's.
 *
 * Errors: ERR_INVALID unknown driver, not allowed, or the state directory cannot hold sockets
 *         (hint); ERR_NOT_FOUND no such user; ERR_EXTERNAL.
 */
MUST_CHECK Error *runtime_open(const RuntimeSpec *spec, Runtime **ret_runtime);
void runtime_close(Runtime *runtime); /* instances run on */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Runtime, runtime_close)

/* For the log: what runs the instances here, and what the machine offers. Caller frees. */
char *runtime_describe(const Runtime *runtime);

/* The image that instances run from; NULL = they run the programs of this machine. */
const char *runtime_image(const Runtime *runtime);

/* False while the engine that makes containers does not answer. Cost: a call to it. */
bool runtime_is_there(const Runtime *runtime);

bool runtime_takes_network(const Runtime *runtime); /* can an instance be without it? */

char *runtime_socket_dir(const Runtime *runtime, const char *id); /* caller frees all; os_user's */
char *runtime_socket_path(const Runtime *runtime, const char *id, int64_t port);
char *runtime_log_path(const Runtime *runtime, const char *id);

typedef struct InstanceSpec {
    const char *id;      /* internal id: a clone's uid or an operation's */
    const char *bin_dir; /* directory of the postgres program */
    const char *data_dir;
    const char *const *settings; /* "name=value" given on the command line: they beat every file */
    bool has_network;            /* the host's; "process" cannot take it away */
    InstanceLimits limits;       /* "process" sets none */
} InstanceSpec;

/*
 * runtime_start - start an instance. It returns as soon as the instance is started, before it is
 * ready. It listens on a Unix socket in runtime_socket_dir(); the settings decide about TCP. It may
 * see its data directory at another path than the caller: settings name files relative to that.
 *
 * Errors: ERR_CONFLICT an instance of this id runs; ERR_INVALID no id, or the socket's path is too
 *         long; ERR_EXTERNAL, ending in RUNTIME_ENDED where its log says why.
 * Undo:   runtime_stop(id, RUNTIME_STOP_NOW), safe to repeat.
 */
#define RUNTIME_ENDED "it ended at once"
MUST_CHECK Error *runtime_start(Runtime *runtime, const InstanceSpec *spec);

typedef enum RuntimeStop {
    RUNTIME_STOP_CLEAN, /* "fast": after a shutdown checkpoint the data directory is consistent */
    RUNTIME_STOP_NOW,   /* "immediate", then SIGKILL: for data that is thrown away */
} RuntimeStop;

/*
 * runtime_stop - stop it and wait for its end, at most timeout_ms. NULL when it does not run.
 *
 * Errors: ERR_TIMEOUT it still runs, or CLEAN took too long: it was ended by force, and its data
 *         needs crash recovery. runtime_is_running() tells which. ERR_CONFLICT the thread's
 *         cancellable cut the wait short: no force is used.
 */
MUST_CHECK Error *runtime_stop(Runtime *runtime, const char *id, RuntimeStop how,
                               int64_t timeout_ms);

/* Removes what a stopped instance left outside its data; its log if wanted. ERR_CONFLICT. */
MUST_CHECK Error *runtime_forget(Runtime *runtime, const char *id, bool with_log);

/* True while it runs. Cheap (no /proc walk). */
bool runtime_is_running(Runtime *runtime, const char *id);

/*
 * runtime_limit - change the limits of CPU, memory and processes of a running instance. One that
 * does not run, or runs under another driver, gets them at its next start.
 *
 * Errors: ERR_INVALID this runtime sets no limits; ERR_EXTERNAL it could not be done, as when more
 *         memory is in use already.
 */
MUST_CHECK Error *runtime_limit(Runtime *runtime, const char *id, const InstanceLimits *limits);

/*
 * Adds to a set the ids (g_strdup) of instances that ended by themselves since the last call.
 * Cost: a system call for each instance that runs.
 */
void runtime_take_ended(Runtime *runtime, GHashTable *ids);

/* Processes of a running instance that the kernel ended for lack of memory; 0 = none or unknown. */
int64_t runtime_memory_kills(Runtime *runtime, const char *id);

/*
 * runtime_dial - connect to a running instance's Unix socket, without waiting. port names the
 * socket. It proves that the instance's postgres listens there, and sends not a byte. *ret_fd:
 * CLOEXEC; caller closes.
 *
 * Errors: ERR_EXTERNAL it does not run, or does not listen yet; ERR_BUSY; ERR_DENIED what listens
 *         there is not its postgres (hint).
 */
MUST_CHECK Error *runtime_dial(Runtime *runtime, const char *id, int64_t port, int *ret_fd);

/* Waits at most timeout_ms; true when the instance has ended (or never ran). */
bool runtime_wait_ended(Runtime *runtime, const char *id, int64_t timeout_ms);

/* Last bytes of the instance's log, for an error's detail. Caller frees; "" when there is none. */
char *runtime_log_tail(Runtime *runtime, const char *id, size_t max_bytes);

/* Lines of the instance's log: log_file_read(). */
MUST_CHECK Error *runtime_read_log(const Runtime *runtime, const char *id, const LogQuery *query,
                                   LogPage *ret_page);

/*
 * Ids of all instances of this server that really run. It asks the machine and not the table in
 * memory: for recovery and the doctor. GPtrArray of char *; caller unrefs.
 */
MUST_CHECK Error *runtime_list(Runtime *runtime, GPtrArray **ret_ids);

/* Ids that have a directory under run/ (running or not): GPtrArray of char *; caller unrefs. */
MUST_CHECK Error *runtime_list_dirs(Runtime *runtime, GPtrArray **ret_ids);

/*
 * runtime_run_inside - proc_run() of a program where instances run, as their user. If instances run
 * from an image, it runs in a container of that image. The program works in spec->cwd and may write
 * there. That directory may have another path inside: name files relative to it.
 */
MUST_CHECK Error *runtime_run_inside(Runtime *runtime, const ProcSpec *spec,
                                     ProcResult *ret_result);

/* proc_run() of a PostgreSQL tool of this machine as that user; spec->user is ignored. */
MUST_CHECK Error *runtime_run(Runtime *runtime, const ProcSpec *spec, ProcResult *ret_result);
