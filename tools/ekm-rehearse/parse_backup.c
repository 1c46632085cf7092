/* BACKUP DATABASE TO DISK and RESTORE DATABASE FROM DISK, with the options of the walkthroughs. */
#include "tools/ekm-rehearse/grammar.h"

static void read_disk(struct rh_parser *p, struct rh_backup_ddl *b)
{
    rh_expect(p, "DISK");
    rh_expect_mark(p, '=');
    rh_read_string(p, &b->disk);
}

static void read_encryption(struct rh_parser *p, struct rh_backup_ddl *b)
{
    rh_expect_mark(p, '(');
    rh_expect(p, "ALGORITHM");
    rh_expect_mark(p, '=');
    rh_read_word(p, &b->algorithm);
    rh_expect_mark(p, ',');
    rh_expect(p, "SERVER ASYMMETRIC KEY");
    rh_expect_mark(p, '=');
    rh_read_name(p, &b->key);
    rh_expect_mark(p, ')');
}

/* Options that change nothing about keys are read and have no effect on the file written here. */
static void read_backup_option(struct rh_parser *p, struct rh_backup_ddl *b)
{
    static const char *const plain[] = {"FORMAT",         "INIT",      "COMPRESSION",
                                        "NO_COMPRESSION", "COPY_ONLY", "CHECKSUM",
                                        "SKIP",           "NOREWIND",  "NOUNLOAD"};
    int64_t percent = 0;
    if (rh_accept(p, "ENCRYPTION")) {
        read_encryption(p, b);
        return;
    }
    if (rh_accept(p, "STATS")) {
        if (rh_accept_mark(p, '='))
            rh_read_number(p, &percent);
        return;
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (rh_accept(p, plain[i]))
            return;
    }
    rh_refuse(p, "ENCRYPTION (...), FORMAT, INIT, COMPRESSION, COPY_ONLY, CHECKSUM or STATS");
}

static void parse_backup(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.backup.database);
    rh_expect(p, "TO");
    read_disk(p, &s->as.backup);
    if (!rh_accept(p, "WITH"))
        return;
    do
        read_backup_option(p, &s->as.backup);
    while (p->st == KP_OK && rh_accept_mark(p, ','));
}

static void read_restore_option(struct rh_parser *p, struct rh_backup_ddl *b)
{
    int64_t percent = 0;
    if (rh_accept(p, "REPLACE")) {
        b->replace = true;
    } else if (rh_accept(p, "STATS")) {
        if (rh_accept_mark(p, '='))
            rh_read_number(p, &percent);
    } else if (!rh_accept(p, "RECOVERY") && !rh_accept(p, "CHECKSUM")) {
        rh_refuse(p, "REPLACE, RECOVERY, CHECKSUM or STATS");
    }
}

static void parse_restore(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.backup.database);
    rh_expect(p, "FROM");
    read_disk(p, &s->as.backup);
    if (!rh_accept(p, "WITH"))
        return;
    do
        read_restore_option(p, &s->as.backup);
    while (p->st == KP_OK && rh_accept_mark(p, ','));
}

const struct rh_rule rh_rules_backup[] = {
    {"BACKUP DATABASE", RH_BACKUP, parse_backup},
    {"RESTORE DATABASE", RH_RESTORE, parse_restore},
    {NULL, RH_N_VERBS, NULL},
};
