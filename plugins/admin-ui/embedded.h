// The page's files, as the linker put them into this library.
#pragma once
#include <span>
#include <string_view>

namespace nexadb::admin_ui {

struct EmbeddedFile {
  std::string_view name;  // "index.html", "assets/index-3f2a.js"
  std::string_view bytes;
};

std::span<const EmbeddedFile> EmbeddedFiles();

}  // namespace nexadb::admin_ui
