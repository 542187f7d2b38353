// LINK: nexadb_config
// Any text may be given as a configuration: it becomes a tree or a message with a position, and a
// tree can be written out as TOML that means the same.
#include "core/config/render.h"
#include "core/config/parse.h"
#include "core/base/units.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = nexadb::AsText({data, size});
  const auto bytes = nexadb::base::ParseSize(text);
  const auto ms = nexadb::base::ParseDuration(text);
  if ((bytes && *bytes < 0) || (ms && *ms < 0)) __builtin_trap();
  auto tree = nexadb::config::ParseToml(text, "fuzz.toml");
  if (!tree.ok()) {
    if (!tree.status().message().starts_with("fuzz.toml:")) __builtin_trap();
    return 0;
  }
  const std::string once = nexadb::config::RenderValue(*tree);
  auto again = nexadb::config::ParseToml("v = " + once, "again");
  // One level deeper than before: that may be one too many, and nothing else may go wrong.
  if (!again.ok()) {
    if (again.status().message().find("nested") == std::string_view::npos) __builtin_trap();
    return 0;
  }
  if (nexadb::config::RenderValue(*again->Find("v")) != once) __builtin_trap();
  return 0;
}
