#include "cli/load_file.h"

#include "cli/platform.h"

kp_status cli_load_write_file(struct cli *c, enum cli_opt opt, struct cli_out *out)
{
    kp_status st = out->st;
    if (st == KP_OK) {
        st = cli_platform_write(cli_opt(c, opt), kp_buf_view(&out->buf), false, &c->fault);
    } else {
        st = kpb_fail_memory(&c->fault.error, "cli.out");
    }
    cli_out_clear(out);
    return st;
}
