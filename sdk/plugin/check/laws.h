// Which laws a plugin is held to: those of every plugin, and those of each interface it provides.
#pragma once
#include <string>
#include <vector>

#include "nexadb/testkit/plugin_suite.h"

namespace nexadb::check {

enum class Durability { kVolatile, kDurable };

// Registers the kits with GoogleTest. Returns the interfaces that have none.
std::vector<std::string> RegisterKits(const testkit::PluginSuite& suite,
                                      const testkit::PluginSummary& summary, Durability durability);

// The registered laws, as <Kit>.<Law>, whose names match the pattern of fnmatch(3).
std::vector<std::string> LawsMatching(const std::string& pattern);

// Runs one law in this process; 0 when it was kept.
int RunLaw(const std::string& law);

// Starts the plugin in this process to ask whether its storage survives a restart. Fails with the
// reason why it does not start.
Result<Durability> AskDurability(const testkit::PluginSuite& suite);

}  // namespace nexadb::check
