/*
 * Prints what docs/ERRORS.md takes from the tables of the code: "map", the rows from libcurl's
 * results to numbers; "codes", every documented number with its symbol and whether it is ours to
 * return.
 */
#include <stdio.h>
#include <string.h>

#include <keyprovider/status.h>

#include "core/http_codes.h"

static int print_map(void)
{
    const struct kpi_http_code *row;
    for (size_t i = 0; (row = kpi_http_code_at(i)) != NULL; i++) {
        (void)printf("| %s | %s | ", row->cause_text, kpi_http_phase_text(row->phase));
        if (row->code != 0)
            (void)printf("%u ", row->code);
        (void)printf("| %s |\n", kp_status_text((kp_status)row->status));
    }
    return 0;
}

static const char *origin_text(uint32_t origin)
{
    static const char *const texts[] = {
        [KP_ORIGIN_EMITTED] = "ours",
        [KP_ORIGIN_SUCCESS] = "it means success",
        [KP_ORIGIN_ENGINE] = "SQL Server prints it itself",
        [KP_ORIGIN_EVENT_LOG] = "an HTTP status in the event log of other connectors",
        [KP_ORIGIN_LEGACY] = "the numbering of connectors up to 1.0.4.0",
    };
    return texts[origin];
}

static int print_codes(void)
{
    const struct kp_code_info *info;
    for (size_t i = 0; (info = kp_code_at(i)) != NULL; i++)
        (void)printf("%u\t%s\t%s\n", info->code, info->symbol, origin_text(info->origin));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "map") == 0)
        return print_map();
    return argc == 2 && strcmp(argv[1], "codes") == 0 ? print_codes() : 2;
}
