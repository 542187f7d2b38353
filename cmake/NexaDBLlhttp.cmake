# HTTP/1.1's tokens: llhttp, from the C sources of Debian's node-llhttp, with the strict half of its
# parser.
set(llhttp_dir /usr/share/llhttp)
if(NOT EXISTS ${llhttp_dir}/llhttp.c)
  message(FATAL_ERROR "${llhttp_dir}/llhttp.c is missing: apt-get install node-llhttp")
endif()
add_library(nexadb_llhttp STATIC ${llhttp_dir}/api.c ${llhttp_dir}/http.c ${llhttp_dir}/llhttp.c)
target_include_directories(nexadb_llhttp SYSTEM PUBLIC /usr/share/include/llhttp)
target_compile_definitions(nexadb_llhttp PRIVATE LLHTTP_STRICT_MODE=1)
set_target_properties(nexadb_llhttp PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
