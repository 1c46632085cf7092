# Five Debian packages from the components that CMakeLists.txt lays down; `./dev package` makes them.
# The library's version is in its package's name, as Debian has it; plugins and programs go with it.
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library dev plugins tools ekm)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME keyprovider)
set(CPACK_PACKAGE_CONTACT "keyprovider developers <developers@keyprovider.invalid>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib) # kp's own library

set(KP_DEBIAN_SAME "(= ${PROJECT_VERSION})")
set(KP_DEBIAN_LIBRARY libkeyprovider${PROJECT_VERSION_MAJOR})

# kp_debian_package(component name section what [depends]): the libraries it needs are found in its files.
function(kp_debian_package component name section what)
  string(TOUPPER ${component} id)
  set(CPACK_DEBIAN_${id}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_DEPENDS ${ARGN} PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_DESCRIPTION "keyprovider: ${what}
Wraps an application's data keys with keys that stay in a vault: Azure Key Vault,
Azure Managed HSM, or a folder of key files for development." PARENT_SCOPE)
endfunction()

kp_debian_package(library ${KP_DEBIAN_LIBRARY} libs
  "the library")
kp_debian_package(dev libkeyprovider-dev libdevel
  "headers and static library"
  "${KP_DEBIAN_LIBRARY} ${KP_DEBIAN_SAME}, libcurl4-openssl-dev, libjansson-dev, libssl-dev, libuv1-dev")
kp_debian_package(plugins keyprovider-plugins libs
  "plugins for Azure Key Vault, Managed HSM and key files")
kp_debian_package(tools keyprovider-tools utils
  "kp, an emulator of Key Vault, a rehearsal of SQL Server"
  "${KP_DEBIAN_LIBRARY} ${KP_DEBIAN_SAME}, keyprovider-plugins ${KP_DEBIAN_SAME}")
kp_debian_package(ekm keyprovider-ekm libs
  "EKM provider for SQL Server"
  "keyprovider-plugins ${KP_DEBIAN_SAME}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS keyprovider-plugins)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_GENERATE_SHLIBS ON)
include(CPack)
