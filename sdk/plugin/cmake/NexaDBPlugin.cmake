# nexadb_add_plugin(<name> MANIFEST plugin.json SOURCES ... [LINK ...] [OPTIONS ...])
#
# Builds lib/nexadb/plugins/<name>.so with its manifest embedded as the ELF section .nexadb.plugin,
# hidden symbols, one exported function, and no undefined symbols. Also makes <name>.objects, an
# object library with the same code, for unit tests. OPTIONS are extra compile options.
set(NEXADB_PLUGIN_MAP "${CMAKE_CURRENT_LIST_DIR}/plugin.map")

function(nexadb_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MANIFEST" "SOURCES;LINK;OPTIONS")
  get_filename_component(manifest_path "${arg_MANIFEST}" ABSOLUTE)
  file(READ "${manifest_path}" manifest)
  string(JSON id ERROR_VARIABLE error GET "${manifest}" id)
  if(error)
    message(FATAL_ERROR "${manifest_path}: ${error}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest_path}")
  set(manifest_c "${CMAKE_CURRENT_BINARY_DIR}/${name}.manifest.cc")
  file(CONFIGURE OUTPUT "${manifest_c}" CONTENT
    "__asm__(\".section .nexadb.plugin,\\\"a\\\",@progbits\\n.incbin \\\"@manifest_path@\\\"\\n.byte 0\\n.previous\");\n"
    @ONLY)
  set_property(SOURCE "${manifest_c}" APPEND PROPERTY OBJECT_DEPENDS "${manifest_path}")

  add_library(${name}.objects OBJECT ${arg_SOURCES})
  target_link_libraries(${name}.objects PUBLIC NexaDB::PluginApi ${arg_LINK})
  target_compile_options(${name}.objects PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${NEXADB_WARNINGS}> ${arg_OPTIONS})
  add_library(${name} MODULE "${manifest_c}")
  target_link_libraries(${name} PRIVATE ${name}.objects)
  foreach(target ${name} ${name}.objects)
    target_compile_features(${target} PRIVATE cxx_std_20)
    set_target_properties(${target} PROPERTIES
      POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endforeach()
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME "${name}"
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/nexadb/plugins"
    LINK_DEPENDS "${NEXADB_PLUGIN_MAP}")
  target_link_options(${name} PRIVATE "-Wl,--version-script=${NEXADB_PLUGIN_MAP}" "-Wl,-z,now")
  if(NOT NEXADB_SANITIZE AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
    # Under a sanitizer its runtime is in the executable.
    target_link_options(${name} PRIVATE "-Wl,--no-undefined")
  endif()
endfunction()
