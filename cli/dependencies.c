#include "cli/dependencies.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <uv.h>

static const char *or_none(const char *version)
{
    return version ? version : "none";
}

void cli_dependencies(struct cli_dependency list[CLI_N_DEPENDENCIES])
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    list[0] = (struct cli_dependency){"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)};
    list[1] = (struct cli_dependency){"libcurl", curl->version};
    list[2] = (struct cli_dependency){"nghttp2", or_none(curl->nghttp2_version)};
    list[3] = (struct cli_dependency){"libuv", uv_version_string()};
    list[4] = (struct cli_dependency){"jansson", jansson_version_str()};
}
