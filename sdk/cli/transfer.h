// import, export and sample load: many documents in constant memory.
#pragma once
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "sdk/cli/commands.h"

namespace nexadb::cli {

enum class Format { kAuto, kNdjson, kJson, kCsv };

// "ndjson", "json", "csv"; kAuto by the file's name, else by its first character.
Format ParseFormat(const std::string& name);

struct ImportResult {
  uint64_t read = 0;
  uint64_t stored = 0;
  std::string first_error;
};

// Calls `take` with each document of `in` as JSON text. CSV: the first row names the members;
// numbers, true, false and null are recognised, everything else is text. A malformed document
// throws client::Error with its line.
void ReadDocuments(std::istream& in, Format format,
                   const std::function<void(std::string document)>& take);

// From `path` ("-": stdin). Documents that the server refuses are counted, the others stored.
ImportResult Import(Commands& commands, const std::string& collection, const std::string& path,
                    Format format);

// To `path` ("-": stdout), in whole documents; `path` appears only once it is complete. Returns how
// many bytes were written.
uint64_t Export(Commands& commands, const std::string& collection, const std::string& path,
                Format format);

// Texts with their embeddings, built into this program, as a vector collection. Reads and stores
// nothing when the collection holds as many documents already.
ImportResult LoadSample(Commands& commands, const std::string& collection);

}  // namespace nexadb::cli
