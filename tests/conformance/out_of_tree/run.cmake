# Does what a plugin's author does, in a folder of its own: installs the SDK, copies an engine's
# sources, builds them with the installed headers alone, and runs the laws over the result.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(JOIN " " line ${ARGV})
    message(FATAL_ERROR "${line}\nanswered ${result}:\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(source ${WORK}/source)
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/prefix)

file(GLOB engine ${REPOSITORY}/plugins/storage-memory/*.h ${REPOSITORY}/plugins/storage-memory/*.cc)
list(FILTER engine EXCLUDE REGEX "(_test|/plugin)\\.cc$")
file(COPY ${engine} DESTINATION ${source}/plugins/storage-memory)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/CMakeLists.txt ${CMAKE_CURRENT_LIST_DIR}/plugin.json
          ${CMAKE_CURRENT_LIST_DIR}/example_plugin.cc
     DESTINATION ${source})

set(flags)
if(SANITIZE)
  set(flags -DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE})
endif()
run(${CMAKE_COMMAND} -S ${source} -B ${WORK}/build -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON ${flags})
run(${CMAKE_COMMAND} --build ${WORK}/build)

file(READ ${WORK}/build/compile_commands.json commands)
string(REPLACE "${WORK}" "" commands "${commands}")
string(FIND "${commands}" "${REPOSITORY}/" leak)
if(NOT leak EQUAL -1)
  message(FATAL_ERROR "the build reaches into the repository:\n${commands}")
endif()

run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/build --output-on-failure --no-tests=error)
