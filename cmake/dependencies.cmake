# Everything comes from the distribution; `scripts/setup` installs it.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(SQLite3 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)

pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-cpp)
add_library(loom_yaml INTERFACE)
target_link_libraries(loom_yaml INTERFACE PkgConfig::YAML)

# Of these only what is linked: a flag of theirs that others do not have would make each of them do without the precompiled header.
pkg_check_modules(RE2 REQUIRED re2)
pkg_check_modules(PROMETHEUS REQUIRED prometheus-cpp-core)
pkg_check_modules(SECCOMP REQUIRED libseccomp)

# The private libssh2 where `scripts/setup` built one, else the system's.
add_library(loom_libssh2 INTERFACE)
set(LIBSSH2_PREFIX ${PROJECT_SOURCE_DIR}/build/libssh2/prefix)
find_library(LIBSSH2_PRIVATE libssh2.a PATHS ${LIBSSH2_PREFIX}/lib ${LIBSSH2_PREFIX}/lib64 NO_DEFAULT_PATH)
if(LIBSSH2_PRIVATE)
  target_include_directories(loom_libssh2 SYSTEM INTERFACE ${LIBSSH2_PREFIX}/include)
  target_link_libraries(loom_libssh2 INTERFACE ${LIBSSH2_PRIVATE} OpenSSL::Crypto)
else()
  pkg_check_modules(LIBSSH2 REQUIRED IMPORTED_TARGET libssh2)
  target_link_libraries(loom_libssh2 INTERFACE PkgConfig::LIBSSH2)
endif()

# Catch2 v2 (Debian 12) or v3 (Debian 13); tests include tests/support/catch.hpp.
if(LOOM_TESTS)
  find_package(Catch2 REQUIRED)
endif()
