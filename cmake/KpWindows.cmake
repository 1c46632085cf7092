# Third-party libraries for Windows, as tools/windows/libraries builds them: static ones, so that a DLL of ours asks for the system's alone.

# kp_static_library(target FILE name... [LIBS ...] [DEFINES ...])
function(kp_static_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FILE;LIBS;DEFINES")
  string(MAKE_C_IDENTIFIER "KP_LIBRARY_${target}" found)
  find_library(${found} NAMES ${arg_FILE} REQUIRED)
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${found}})
  target_link_libraries(${target} INTERFACE ${arg_LIBS})
  target_compile_definitions(${target} INTERFACE ${arg_DEFINES})
endfunction()

set(OPENSSL_USE_STATIC_LIBS ON)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)

kp_static_library(kp::jansson FILE jansson)
kp_static_library(kp::uv FILE uv_a uv libuv
  LIBS psapi user32 advapi32 iphlpapi userenv ws2_32 dbghelp ole32 shell32)
kp_static_library(kp::nghttp2 FILE nghttp2_static nghttp2 DEFINES NGHTTP2_STATICLIB)
kp_static_library(kp::curl FILE curl libcurl DEFINES CURL_STATICLIB
  LIBS kp::nghttp2 OpenSSL::SSL OpenSSL::Crypto ws2_32 crypt32 bcrypt advapi32)
if(BUILD_TESTING)
  kp_static_library(kp::cmocka FILE cmocka-static cmocka)
endif()
