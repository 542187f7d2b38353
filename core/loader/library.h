// Library: a plugin's file, from its name in the configuration to its entry point.
//
// Everything that can be known without running the plugin's code is checked first: FindLibrary
// and InspectLibrary only read. LoadLibrary then maps it, for good: mapped code is never unmapped,
// since threads, destructors and callbacks of a library outlive every attempt to know otherwise.
// [control] One thread at a time.
#pragma once
#include <string>
#include <vector>

#include "core/loader/manifest.h"
#include "nexadb/plugin.h"

namespace nexadb::loader {

struct LibraryFile {
  std::string path;
  std::string version;  // changes when other bytes stand at the path: device, inode, size, time
  std::string fingerprint;
  Manifest manifest;
};

// A name with '/' is a path as it is; others are looked up as <name>.so along `plugin_path`.
// kNotFound names the places looked at and what stands there instead.
Result<std::string> FindLibrary(const std::string& name,
                                const std::vector<std::string>& plugin_path);

// Reads fingerprint and manifest. kPermissionDenied for a file that others could have put there
// (a symbolic link, world-writable, or in a world-writable directory), kUnsupported for one built
// for another kernel or another version of an interface, kInvalidArgument for no plugin at all.
Result<LibraryFile> InspectLibrary(const std::string& path);

// Maps the library (once for a path and version) and checks that its descriptor says what its
// manifest says.
Result<const PluginDescriptor*> LoadLibrary(const LibraryFile& file);

// A plugin larger than this is no plugin; the limit keeps a mistaken path from filling memory.
constexpr uint64_t kLibraryBytesMax = uint64_t{1} << 30;

}  // namespace nexadb::loader
