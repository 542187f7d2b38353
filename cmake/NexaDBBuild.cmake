# How this repository's own targets are compiled: warnings, sanitizers, cache, linker, tests.
# A plugin author needs none of it (see sdk/plugin/cmake).

set(NEXADB_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

find_program(NEXADB_CCACHE ccache)
if(NEXADB_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${NEXADB_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${NEXADB_CCACHE})
endif()
find_program(NEXADB_MOLD mold)
if(NEXADB_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  # Any machine since 2009; faster loops are chosen at run time.
  add_compile_options(-march=x86-64-v2)
endif()
if(NEXADB_SANITIZE)
  add_compile_options(-fsanitize=${NEXADB_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${NEXADB_SANITIZE})
  if(NEXADB_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # RapidJSON adds to a null pointer before its first allocation.
    add_compile_options(-fno-sanitize=pointer-overflow)
  endif()
endif()

# Our own code compiles without a warning; generated and third-party code is not held to it.
set(NEXADB_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror)
# GCC 12 sees overlapping copies in "text" + std::string that are not there (GCC bug 105329), and
# uninitialised values in every std::optional whose engaged check it cannot follow (bug 80635):
# the first is off, the second only warns.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND NEXADB_WARNINGS -Wno-restrict -Wno-error=maybe-uninitialized)
endif()

# What a test that drives the built kernel is told. Under a sanitizer everything takes many times as
# long, so that tests of times widen their bounds by it.
set(NEXADB_TEST_ENVIRONMENT "NEXADB_BUILD_DIR=${CMAKE_BINARY_DIR}" "PYTHONDONTWRITEBYTECODE=1")
if(NEXADB_SANITIZE)
  list(APPEND NEXADB_TEST_ENVIRONMENT "NEXADB_SANITIZED=1")
  # TSan guesses from a thread-local block's address what glibc 2.19 wrote before it, and takes
  # whatever lies there for its size: now and then a plugin's block has such an address.
  set(NEXADB_SANITIZER_OPTIONS "TSAN_OPTIONS=intercept_tls_get_addr=0")
  list(APPEND NEXADB_TEST_ENVIRONMENT ${NEXADB_SANITIZER_OPTIONS})
endif()

# nexadb_add_library(<name> SOURCES ... [LINK ...]): static, position-independent, all warnings.
function(nexadb_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_library(${name} STATIC ${arg_SOURCES})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${NEXADB_WARNINGS}>)
  target_link_libraries(${name} PUBLIC NexaDB::PluginApi ${arg_LINK})
endfunction()

# nexadb_add_test(<name> SOURCES ... [LINK ...] [LABELS ...] [TIMEOUT seconds]): a GoogleTest
# binary, one test in ctest. To test a plugin's inside, link <plugin>.objects.
function(nexadb_add_test name)
  if(NOT NEXADB_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK;LABELS")
  find_package(GTest REQUIRED)
  add_executable(${name} ${arg_SOURCES})
  target_compile_options(${name} PRIVATE ${NEXADB_WARNINGS})
  target_link_libraries(${name} PRIVATE NexaDB::PluginApi ${arg_LINK} GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "${NEXADB_SANITIZER_OPTIONS}")
endfunction()
