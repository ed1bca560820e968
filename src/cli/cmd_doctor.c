/*
 * ramet doctor: what the server finds when it compares its records with what really exists.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/json_path.h"

static void doctor_print_finding(const json_t *finding)
{
    static const char *const keys[] = {"level", "kind", "name", "message", "hint"};
    char *texts[G_N_ELEMENTS(keys)] = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        texts[i] = print_format_value(json_at(finding, keys[i]));
    print_text(stdout, "%s: %s \"%s\": %s\n", texts[0], texts[1], texts[2], texts[3]);
    if (*texts[4])
        print_text(stdout, "  hint: %s\n", texts[4]);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        g_free(texts[i]);
}

static void doctor_print(const json_t *report)
{
    static const char *const lists[] = {"notices", "findings"};
    const json_t *findings = json_at(report, "findings");
    size_t i = 0;
    json_t *finding = NULL;

    for (size_t n = 0; n < G_N_ELEMENTS(lists); n++)
        json_array_foreach (json_at(report, lists[n]), i, finding)
            doctor_print_finding(finding);
    if (json_flag_at(report, "clean"))
        printf("Clean: records, volumes, instances and ports agree.\n");
    else
        printf("%zu finding%s.\n", json_array_size(findings),
               json_array_size(findings) == 1 ? "" : "s");
}

Error *cmd_doctor(Cli *cli)
{
    g_autoptr(json_t) report = NULL;

    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = "/doctor"}, &report));
    if (cli->format == OUTPUT_JSON)
        cli_show_raw(cli, NULL, report);
    else
        doctor_print(report);
    cli->status = json_flag_at(report, "clean") ? STATUS_OK : STATUS_FAILED;
    return NULL;
}
