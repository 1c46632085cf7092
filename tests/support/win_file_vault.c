#include "support/file_vault.h"
#include "support/temp_dir.h"

void fv_make_temp(char out[FV_PATH_LEN])
{
    temp_dir_make(out);
}

void fv_remove_temp(const char *dir)
{
    temp_dir_remove(dir);
}
