# Third-party libraries, as imported targets of one spelling wherever they come from.

# kp_find_library(TARGET name CONFIG package config-target PKGCONFIG module>=version)
# Takes the package's own CMake file where it ships one, its pkg-config file otherwise.
function(kp_find_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CONFIG;CONFIG_TARGET" "PKGCONFIG")
  find_package(${arg_CONFIG} CONFIG QUIET)
  if(TARGET ${arg_CONFIG_TARGET})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(${target} INTERFACE ${arg_CONFIG_TARGET})
    return()
  endif()
  find_package(PkgConfig REQUIRED)
  string(MAKE_C_IDENTIFIER "KP_PC_${arg_CONFIG}" prefix)
  pkg_check_modules(${prefix} REQUIRED QUIET IMPORTED_TARGET GLOBAL ${arg_PKGCONFIG})
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(${target} INTERFACE PkgConfig::${prefix})
endfunction()

if(MINGW)
  include(KpWindows)
  return()
elseif(WIN32)
  include(KpVcpkg)
  return()
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
kp_find_library(kp::uv CONFIG libuv CONFIG_TARGET libuv::uv PKGCONFIG "libuv>=1.44")
kp_find_library(kp::curl CONFIG CURL CONFIG_TARGET CURL::libcurl PKGCONFIG "libcurl>=7.88")
kp_find_library(kp::nghttp2 CONFIG nghttp2 CONFIG_TARGET nghttp2::nghttp2
  PKGCONFIG "libnghttp2>=1.52")
kp_find_library(kp::jansson CONFIG jansson CONFIG_TARGET jansson::jansson PKGCONFIG "jansson>=2.14")
if(UNIX) # tools/kp-emulator only: HTTP over the same OpenSSL
  kp_find_library(kp::event CONFIG none CONFIG_TARGET none
    PKGCONFIG "libevent_openssl>=2.1" "libevent>=2.1")
endif()
if(BUILD_TESTING)
  kp_find_library(kp::cmocka CONFIG cmocka CONFIG_TARGET cmocka::cmocka PKGCONFIG "cmocka>=1.1.5")
endif()
