/* A shared object that is no plugin. */
#include <keyprovider/plugin.h>

KP_PLUGIN_EXPORT int kp_something_else(void);

int kp_something_else(void)
{
    return 0;
}
