# Targets are made from what lies in a folder, so that adding a file needs no change here.

# kp_sources(VAR dir): the .c files of dir that belong to this platform.
# posix_*.c, linux_*.c and win_*.c are platform twins.
function(kp_sources var dir)
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.c)
  if(NOT UNIX)
    list(FILTER sources EXCLUDE REGEX "/posix_[^/]*$")
  endif()
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    list(FILTER sources EXCLUDE REGEX "/linux_[^/]*$")
  endif()
  if(NOT WIN32)
    list(FILTER sources EXCLUDE REGEX "/win_[^/]*$")
  endif()
  set(${var} "${sources}" PARENT_SCOPE)
endfunction()

# Headers as everybody names them: <keyprovider/...> and, inside the project, from the root.
add_library(kp-headers INTERFACE)
target_include_directories(kp-headers INTERFACE ${PROJECT_SOURCE_DIR}/include)
add_library(kp-root INTERFACE)
target_include_directories(kp-root INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(kp-root INTERFACE kp-headers)

# kp_add_room(name LIBS ...): static library `name` and its objects `name-objects` from this folder.
# A folder without sources gives an empty library, so that rooms can be built in any order.
function(kp_add_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  kp_sources(sources ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT sources)
    add_library(${name}-objects INTERFACE)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE kp-root ${arg_LIBS})
    return()
  endif()
  add_library(${name}-objects OBJECT ${sources})
  target_link_libraries(${name}-objects PRIVATE kp-flags PUBLIC kp-root ${arg_LIBS})
  target_compile_options(${name}-objects PRIVATE ${KP_LTO_COMPILE_OPTIONS})
  add_library(${name} STATIC $<TARGET_OBJECTS:${name}-objects>)
  target_link_libraries(${name} PUBLIC kp-root ${arg_LIBS})
  set_target_properties(${name} PROPERTIES
    ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/rooms)
endfunction()

# kp_build_flags(out): build type and compiler flags of the library that change its code, as one line.
function(kp_build_flags out)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  get_target_property(options kp-flags INTERFACE_COMPILE_OPTIONS)
  list(FILTER options INCLUDE REGEX "^-f")
  list(FILTER options EXCLUDE REGEX "prefix-map")
  list(JOIN options " " options)
  list(JOIN KP_LTO_COMPILE_OPTIONS " " lto)
  set(flags "${CMAKE_BUILD_TYPE}: ${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}} ${lto} ${options}")
  # Where the sources lay is nobody's business.
  string(REGEX REPLACE "-f[a-z]*-prefix-map=[^ ]*" "" flags "${flags}")
  string(REGEX REPLACE " +" " " flags "${flags}")
  string(STRIP "${flags}" flags)
  set(${out} "${flags}" PARENT_SCOPE)
endfunction()

# kp_strip_lto(name): leaves a static library with machine code alone, which any linker understands.
function(kp_strip_lto name)
  if(KP_LTO_COMPILE_OPTIONS)
    add_custom_command(TARGET ${name} POST_BUILD VERBATIM
      COMMAND ${CMAKE_OBJCOPY} -w -R .gnu.lto_* -R .gnu.debuglto_* -N __gnu_lto_* $<TARGET_FILE:${name}>)
  endif()
endfunction()

# kp_room_objects(VAR name...): the object files of rooms, nothing for empty ones.
function(kp_room_objects var)
  set(objects)
  foreach(name IN LISTS ARGN)
    get_target_property(type ${name}-objects TYPE)
    if(type STREQUAL "OBJECT_LIBRARY")
      list(APPEND objects $<TARGET_OBJECTS:${name}-objects>)
    endif()
  endforeach()
  set(${var} "${objects}" PARENT_SCOPE)
endfunction()

# Limits what a shared object exports to the names in a linker version script.
function(kp_limit_exports target script)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(${target} PRIVATE LINKER:--version-script=${script})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
  endif()
endfunction()

# kp_add_plugin(name SOURCES ... LIBS ... OUTPUT_DIR dir): a loadable plugin, named without prefix,
# that exports its entry point and nothing else.
function(kp_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_DIR;OUTPUT_NAME" "SOURCES;LIBS")
  if(NOT arg_OUTPUT_NAME)
    set(arg_OUTPUT_NAME ${name})
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  if(MINGW)
    target_link_options(${name} PRIVATE LINKER:--exclude-all-symbols)
  endif()
  target_link_libraries(${name} PRIVATE kp-flags kp-headers ${arg_LIBS})
  target_link_options(${name} PRIVATE ${KP_NODELETE_OPTIONS})
  kp_limit_exports(${name} ${PROJECT_SOURCE_DIR}/packaging/plugin.map)
  set_target_properties(${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${arg_OUTPUT_NAME} LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT_DIR})
endfunction()
