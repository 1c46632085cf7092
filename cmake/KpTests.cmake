# Tests are found, not listed: one test_*.c is one program and one ctest.

# Far above what a test takes; sanitizers and wine slow the same work down.
set(KP_TEST_TIMEOUT_S 120)
if(KP_SANITIZE OR WIN32)
  set(KP_TEST_TIMEOUT_S 300)
endif()
set(KP_TEST_PLUGIN_DIR ${PROJECT_BINARY_DIR}/tests/plugins)

# What every test may rely on in its environment; sanitizers stop at the first finding.
set(KP_TEST_ENVIRONMENT
  KP_BIN=${PROJECT_BINARY_DIR}/bin
  KP_PLUGIN_DIR=${KP_PLUGIN_OUTPUT_DIR}
  KP_TEST_PLUGIN_DIR=${KP_TEST_PLUGIN_DIR}
  KP_SRC=${PROJECT_SOURCE_DIR}
  KP_BUILD=${PROJECT_BINARY_DIR}
  KP_SANITIZER=${KP_SANITIZE}
  ASAN_OPTIONS=halt_on_error=1:abort_on_error=0:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)

if(WIN32) # under wine; its registry is of this build
  list(APPEND KP_TEST_ENVIRONMENT KP_WINE_PREFIX=${PROJECT_BINARY_DIR}/wine)
endif()

function(kp_set_test_properties name)
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "${KP_TEST_ENVIRONMENT}" TIMEOUT ${KP_TEST_TIMEOUT_S} ${ARGN})
endfunction()

# kp_test_rooms(VAR source): the libraries a test needs, read from its includes. So a test of base
# links base alone, and would not link if base had begun to lean on another room.
function(kp_test_rooms var source)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(STRINGS ${source} includes REGEX "^#include")
  set(rooms kp-base)
  if(includes MATCHES "\"crypto/")
    list(PREPEND rooms kp-crypto)
  endif()
  if(includes MATCHES "\"(core/|support/wire)|<keyprovider/keyprovider\\.h>")
    list(PREPEND rooms keyprovider-static)
  endif()
  if(includes MATCHES "\"plugins/azure-rest/")
    list(PREPEND rooms kp-azure-rest)
  endif()
  foreach(plugin IN ITEMS azure-keyvault managed-hsm)
    if(includes MATCHES "\"plugins/${plugin}/")
      list(PREPEND rooms ${plugin}-static)
    endif()
  endforeach()
  if(includes MATCHES "\"plugins/file-test/")
    list(PREPEND rooms file-test-static)
  endif()
  if(includes MATCHES "\"(ekm/|support/ekm_)")
    list(PREPEND rooms kp-ekm kp-ekm-keys file-test-static keyprovider-static)
  endif()
  if(includes MATCHES "\"ekm/keys/")
    list(PREPEND rooms kp-ekm-keys)
  endif()
  if(includes MATCHES "\"tools/ekm-rehearse/")
    list(PREPEND rooms kp-rehearse)
  endif()
  if(includes MATCHES "\"tools/kp-emulator/")
    list(PREPEND rooms kp-emulator-parts)
  endif()
  if(includes MATCHES "\"tests/fuzz/")
    list(PREPEND rooms kp-fuzz-entries)
  endif()
  if(includes MATCHES "\"cli/")
    list(PREPEND rooms kp-cli keyprovider-static)
  endif()
  if(includes MATCHES "\"(tests/)?support/")
    list(PREPEND rooms kp-test-support)
    list(APPEND rooms kp::nghttp2 OpenSSL::SSL)
  endif()
  set(${var} "${rooms}" PARENT_SCOPE)
endfunction()

# What is not built for Windows, each test with its reason.
if(WIN32)
  file(STRINGS ${PROJECT_SOURCE_DIR}/tests/windows/not-on-windows.txt KP_TESTS_ELSEWHERE REGEX "^[a-z]")
  list(TRANSFORM KP_TESTS_ELSEWHERE REPLACE ":.*" "")
endif()

# kp_add_tests(kind): every test_*.c of this folder, labelled with its kind. One that starts the
# emulator is left out where that is not built.
function(kp_add_tests kind)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    if("${kind}/${name}" IN_LIST KP_TESTS_ELSEWHERE)
      continue()
    endif()
    file(STRINGS ${source} emulated REGEX "^#include \"support/emulator\\.h\"")
    if(emulated AND NOT TARGET kp-emulator)
      continue()
    endif()
    kp_test_rooms(rooms ${source})
    add_executable(${name} ${source})
    if(emulated)
      add_dependencies(${name} kp-emulator azure-keyvault managed-hsm file-test)
    endif()
    target_link_libraries(${name} PRIVATE kp-test-flags ${rooms} kp::cmocka kp::jansson
      OpenSSL::Crypto Threads::Threads)
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/${kind})
    if(CMAKE_CROSSCOMPILING_EMULATOR)
      set_target_properties(${name} PROPERTIES
        CROSSCOMPILING_EMULATOR ${PROJECT_SOURCE_DIR}/tools/windows/wine-test)
    endif()
    add_test(NAME ${kind}/${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    kp_set_test_properties(${kind}/${name} LABELS ${kind})
    if(kind STREQUAL "contract" AND TARGET kp-test-plugins)
      add_dependencies(${name} kp-test-plugins)
    endif()
  endforeach()
endfunction()
