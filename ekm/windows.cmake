# What only the DLL for Windows has: its list of exports, its version, the messages of its events.
find_program(KP_MC NAMES x86_64-w64-mingw32-windmc windmc mc REQUIRED
  DOC "Compiler of message tables: windmc of binutils, or mc of the Windows SDK")

set(resources ${CMAKE_CURRENT_BINARY_DIR}/resources)
file(MAKE_DIRECTORY ${resources})
configure_file(keyprovider-ekm.rc.in ${resources}/keyprovider-ekm.rc @ONLY)
add_custom_command(OUTPUT ${resources}/win_event.rc ${resources}/MSG00409.bin
  COMMAND ${KP_MC} -h ${resources} -r ${resources} ${CMAKE_CURRENT_SOURCE_DIR}/win_event.mc
  DEPENDS win_event.mc VERBATIM)
set_source_files_properties(${resources}/keyprovider-ekm.rc PROPERTIES
  OBJECT_DEPENDS "${resources}/win_event.rc;${resources}/MSG00409.bin"
  INCLUDE_DIRECTORIES ${resources})

target_sources(keyprovider-ekm PRIVATE
  ${resources}/keyprovider-ekm.rc ${resources}/win_event.rc
  ${PROJECT_SOURCE_DIR}/packaging/keyprovider-ekm.def)
# Pulled in by the first; listed for its rule, not to be compiled.
set_source_files_properties(${resources}/win_event.rc PROPERTIES HEADER_FILE_ONLY TRUE)
target_link_libraries(keyprovider-ekm PRIVATE advapi32)
set_target_properties(keyprovider-ekm PROPERTIES PREFIX "")
if(MINGW)
  # Static, so that only DLLs of the system are asked for; nothing but the list is exported.
  target_link_options(keyprovider-ekm PRIVATE -static -static-libgcc LINKER:--exclude-all-symbols
    LINKER:--dynamicbase LINKER:--nxcompat LINKER:--high-entropy-va LINKER:--no-insert-timestamp
    LINKER:--gc-sections)
endif()
