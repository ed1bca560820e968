/*
 * What rametd does besides serving.
 */
#include "server/commands.h"

#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "config/read.h"
#include "engine/doctor.h"
#include "engine/engine.h"
#include "retrieval/retrieval.h"

#define COMMAND_SHOWN_MAX 65536

/* --- configuration --- */

Error *command_read_config(const ServerOptions *options, Config **ret_config)
{
    g_autoptr(GPtrArray) problems = NULL;
    Error *e = config_read(options->config_path, &problems, ret_config);

    for (unsigned i = 0; problems && i < problems->len; i++) {
        const ConfigProblem *problem = problems->pdata[i];
        g_autofree char *text = config_problem_text(options->config_path, problem);
        if (problem->is_warning)
            log_warn("configuration", "problem", text);
    }
    if (!e && (*ret_config)->global.debug)
        log_set_level(LOG_LEVEL_DEBUG);
    return e;
}

Error *command_check_config(const Config *config, const ServerOptions *options)
{
    const char *left_out = NULL;

    TRY(error_wrap(retrieval_check_config(config, &left_out), "configuration \"%s\"",
                   options->config_path));
    if (left_out)
        printf("%s: no errors (%s)\n", options->config_path, left_out);
    else
        printf("%s: no errors\n", options->config_path);
    return NULL;
}

Error *command_config_reference(const Config *config, const ServerOptions *options)
{
    g_autofree char *text = config_reference();

    fputs(text, stdout);
    return NULL;
}

Error *command_version(const Config *config, const ServerOptions *options)
{
    puts("rametd " RAMET_VERSION);
    return NULL;
}

/* --- doctor --- */

static void command_print_finding(const char *level, const Finding *finding)
{
    g_autofree char *text = g_strdup_printf("%s: %s %s: %s\n  %s\n", level, finding->kind,
                                            finding->name, finding->message, finding->hint);
    g_autofree char *shown = text_printable_lines(text, COMMAND_SHOWN_MAX);

    fputs(shown, stdout);
}

Error *command_doctor(const Config *config, const ServerOptions *options)
{
    g_autoptr(Engine) engine = NULL;
    g_autoptr(GPtrArray) findings = NULL;

    log_set_level(LOG_LEVEL_WARN);
    TRY(engine_open_to_look(config, &engine));
    TRY(engine_examine(engine, &findings));
    g_autoptr(GPtrArray) notices = engine_examine_machine(engine);
    for (unsigned i = 0; i < notices->len; i++)
        command_print_finding("notice", notices->pdata[i]);
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        command_print_finding(finding->is_error ? "error" : "warning", finding);
    }
    if (findings->len > 0)
        return error_new(ERR_CONFLICT, "%u %s", findings->len,
                         findings->len == 1 ? "finding" : "findings");
    puts("clean");
    return NULL;
}

/* --- the end --- */

/* Errors quote files, programs and clones: what these say must not steer a terminal. */
static void command_print_error(const char *title, const char *text)
{
    g_autofree char *shown = text_printable_lines(text, COMMAND_SHOWN_MAX);

    fprintf(stderr, "%s%s\n", title, shown);
}

int command_exit(Error *e)
{
    if (!e)
        return 0;
    command_print_error("rametd: ", e->message);
    if (e->detail && *e->detail)
        command_print_error("detail: ", e->detail);
    if (e->hint)
        command_print_error("hint: ", e->hint);
    int status = e->code == ERR_INVALID ? 2 : 1;
    error_free(e);
    return status;
}
