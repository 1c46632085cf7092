# Third-party libraries for MSVC, as vcpkg's packages name them; docs/MSVC.md.

# kp_take_target(target PACKAGE candidate...): the first target there is, under our name. Names differ from
# one version of a package to the next, and between static and shared.
function(kp_take_target target package)
  find_package(${package} CONFIG REQUIRED)
  foreach(candidate IN LISTS ARGN)
    if(TARGET ${candidate})
      add_library(${target} INTERFACE IMPORTED GLOBAL)
      target_link_libraries(${target} INTERFACE ${candidate})
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "${package} in ${${package}_DIR} has none of the targets ${ARGN}; "
    "vcpkg.json names the packages that are expected")
endfunction()

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)

kp_take_target(kp::jansson jansson jansson::jansson)
kp_take_target(kp::uv libuv libuv::uv_a uv_a libuv::uv uv)
kp_take_target(kp::nghttp2 nghttp2 nghttp2::nghttp2_static nghttp2::nghttp2)
kp_take_target(kp::curl CURL CURL::libcurl_static CURL::libcurl)
if(BUILD_TESTING)
  kp_take_target(kp::cmocka cmocka cmocka::cmocka cmocka::cmocka-static cmocka-static cmocka)
endif()
