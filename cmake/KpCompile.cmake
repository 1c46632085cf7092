# How everything here is compiled: standard, warnings, hardening, sanitizers, output folders.

set(KP_SANITIZE "" CACHE STRING "Sanitizer build: address (with undefined), thread, or empty")
set_property(CACHE KP_SANITIZE PROPERTY STRINGS "" address thread)
option(KP_FUZZ "Build the fuzzers of tests/fuzz as programs of libFuzzer; takes clang" OFF)
option(KP_WERROR "Treat warnings as errors" OFF)
option(KP_LTO "Optimize the shared library across files (gcc, not under sanitizers)" ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Debian's multiarch folder belongs to packages; a build tree and a private prefix want plain lib.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(KP_PLUGIN_OUTPUT_DIR ${PROJECT_BINARY_DIR}/lib/keyprovider/plugins)

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

# Flags shared by every target of ours; linked as kp-flags, so nothing leaks to users of the package.
add_library(kp-flags INTERFACE)

if(UNIX)
  # Shared code sees POSIX and no more; a platform file that needs more asks at its top.
  target_compile_definitions(kp-flags INTERFACE _POSIX_C_SOURCE=200809L)
endif()

if(WIN32)
  # Windows Server 2016 and later. Formats are the standard's, not those of the old C library.
  target_compile_definitions(kp-flags INTERFACE
    _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX UNICODE _UNICODE __USE_MINGW_ANSI_STDIO=1)
  if(MSVC)
    # Atomics of C11 come with Visual Studio 2022 17.5. The functions that MSVC would have replaced are the
    # standard's. /Brepro: the same sources give the same bytes.
    target_compile_definitions(kp-flags INTERFACE _CRT_SECURE_NO_WARNINGS)
    target_compile_options(kp-flags INTERFACE
      /experimental:c11atomics /utf-8 /W4 /guard:cf /Brepro $<$<BOOL:${KP_WERROR}>:/WX>)
    # DEPENDENTLOADFLAG: what a program asks for at its start is looked for in the system's folder alone.
    target_link_options(kp-flags INTERFACE /guard:cf /Brepro
      /DYNAMICBASE /NXCOMPAT /HIGHENTROPYVA /DEPENDENTLOADFLAG:0x800 $<$<NOT:$<CONFIG:Debug>>:/OPT:REF>)
  endif()
  if(MINGW)
    # The debugging data too names files from the root of the project, and so it is where ccache has
    # made the path of a source relative.
    file(RELATIVE_PATH KP_FROM_BUILD ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
    string(REGEX REPLACE "/$" "" KP_FROM_BUILD "${KP_FROM_BUILD}")
    target_compile_options(kp-flags INTERFACE
      -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffile-prefix-map=${KP_FROM_BUILD}/=)
    # Programs and DLLs ask for the system's DLLs alone, and come out the same twice.
    target_link_options(kp-flags INTERFACE -static -static-libgcc -fstack-protector-strong LINKER:--gc-sections
      LINKER:--dynamicbase,--nxcompat,--high-entropy-va LINKER:--no-insert-timestamp)
  endif()
endif()

if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(kp-flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wwrite-strings -Wcast-align -Wvla -Wformat=2 -Wundef
    # __FILE__ and assertion texts name files from the root of the project.
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
    -fstack-protector-strong -fno-semantic-interposition
    # Sanitizers and debuggers walk frames; a request passes some sixty functions and need not pay.
    $<$<OR:$<CONFIG:Debug>,$<BOOL:${KP_SANITIZE}>>:-fno-omit-frame-pointer>)
  if(KP_WERROR)
    target_compile_options(kp-flags INTERFACE -Werror)
  endif()
endif()

if(KP_SANITIZE STREQUAL "")
  target_compile_definitions(kp-flags INTERFACE
    $<$<AND:$<BOOL:${UNIX}>,$<NOT:$<CONFIG:Debug>>>:_FORTIFY_SOURCE=2>)
elseif(KP_SANITIZE STREQUAL "address")
  set(KP_SANITIZE_FLAGS -fsanitize=address,undefined)
elseif(KP_SANITIZE STREQUAL "thread")
  set(KP_SANITIZE_FLAGS -fsanitize=thread)
else()
  message(FATAL_ERROR "KP_SANITIZE is '${KP_SANITIZE}'; it takes address, thread or nothing")
endif()
if(KP_SANITIZE_FLAGS)
  target_compile_options(kp-flags INTERFACE ${KP_SANITIZE_FLAGS} -fno-sanitize-recover=all
    $<$<CONFIG:Debug>:-O1>)
  target_link_options(kp-flags INTERFACE ${KP_SANITIZE_FLAGS})
  target_compile_definitions(kp-flags INTERFACE KP_SANITIZED=1)
endif()

if(KP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "KP_FUZZ takes clang: -DCMAKE_C_COMPILER=clang")
  endif()
  target_compile_options(kp-flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(kp-flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(kp-flags INTERFACE LINKER:-z,relro,-z,now LINKER:--as-needed)
  # What a host process maps stays mapped: a thread of ours may still be on its way out.
  set(KP_NODELETE_OPTIONS LINKER:-z,nodelete)
  if(NOT KP_SANITIZE)
    list(APPEND KP_NODELETE_OPTIONS LINKER:-z,defs)
  endif()
endif()

# A request crosses many small files: seen as a whole the library needs a fifth fewer instructions
# for one. Objects carry both forms, and only a target with the property KP_LTO links the other one,
# so tests link as fast as ever.
if(KP_LTO AND UNIX AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT KP_SANITIZE
   AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(KP_LTO_COMPILE_OPTIONS -O3 -flto=auto -ffat-lto-objects)
  target_link_options(kp-flags INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:KP_LTO>>,-flto=auto,-fno-lto>)
endif()
