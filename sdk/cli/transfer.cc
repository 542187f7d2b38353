#include "sdk/cli/transfer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>
#include <vector>

#include "sdk/cli/relaxed_json.h"

// The sample, one JSON document a line (see sample/README.md).
asm(R"(
.pushsection .rodata
.global nexadb_sample_begin
nexadb_sample_begin:
.incbin ")" NEXADB_SAMPLE R"("
.global nexadb_sample_end
nexadb_sample_end:
.popsection
)");
extern "C" {
extern const char nexadb_sample_begin[];
extern const char nexadb_sample_end[];
}

namespace nexadb::cli {
namespace {

// A request carries at most this many documents and about this many bytes.
constexpr size_t kBatchDocuments = 1000;
constexpr size_t kBatchBytes = 8u << 20;
// A document is at most 16 MiB; its line may hold some white space besides.
constexpr size_t kDocumentBytesMax = 17u << 20;

[[noreturn]] void Fail(uint64_t line, const std::string& what) {
  throw client::Error(0, "malformed", "line " + std::to_string(line) + ": " + what);
}

void ReadNdjson(std::istream& in, const std::function<void(std::string)>& take) {
  uint64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.size() > kDocumentBytesMax) Fail(number, "longer than a document may be");
    if (line.find_first_not_of(" \t\r") != std::string::npos) take(std::move(line));
  }
}

// A JSON array of objects, or objects one after the other: cut at the outer braces.
void ReadJson(std::istream& in, const std::function<void(std::string)>& take) {
  std::string document;
  uint64_t line = 1;
  int depth = 0;
  bool quoted = false;
  for (int raw = in.get(); raw != EOF; raw = in.get()) {
    const char c = static_cast<char>(raw);
    if (c == '\n') ++line;
    if (depth > 0) document.push_back(c);
    if (document.size() > kDocumentBytesMax) Fail(line, "a document longer than it may be");
    if (quoted) {
      if (c == '\\') {
        document.push_back(static_cast<char>(in.get()));
      } else if (c == '"') {
        quoted = false;
      }
    } else if (depth > 0 && c == '"') {
      quoted = true;
    } else if (c == '{') {
      if (depth++ == 0) document = "{";
    } else if (c == '}') {
      if (--depth < 0) Fail(line, "a '}' too many");
      if (depth == 0) take(std::exchange(document, {}));
    } else if (depth == 0 && std::string_view("[], \t\r\n").find(c) == std::string_view::npos) {
      Fail(line, std::string("expected an object, found '") + c + "'");
    }
  }
  if (depth != 0 || quoted) Fail(line, "the file ends within a document");
}

// One row of RFC 4180 CSV; false at the end of the file.
bool ReadRow(std::istream& in, uint64_t& line, std::vector<std::string>& cells) {
  cells.clear();
  std::string cell;
  bool quoted = false;
  bool any = false;
  for (int raw = in.get(); raw != EOF; raw = in.get()) {
    const char c = static_cast<char>(raw);
    any = true;
    if (c == '\n') ++line;
    if (quoted) {
      if (c == '"' && in.peek() == '"') {
        cell.push_back(static_cast<char>(in.get()));
      } else if (c == '"') {
        quoted = false;
      } else {
        cell.push_back(c);
      }
    } else if (c == '"' && cell.empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.push_back(std::move(cell));
      cell.clear();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      cell.push_back(c);
    }
    if (cell.size() > kDocumentBytesMax) Fail(line, "a cell longer than a document may be");
  }
  if (quoted) Fail(line, "a quoted cell does not end");
  if (any) cells.push_back(std::move(cell));
  return any;
}

// A cell as JSON: a number when JSON would write it so, a word of JSON's, else a text.
std::string CellValue(const std::string& cell) {
  if (cell == "true" || cell == "false" || cell == "null") return cell;
  const size_t digits = cell.starts_with('-') ? 1 : 0;
  const bool numeric =
      cell.size() > digits && cell.find_first_not_of("0123456789.", digits) == std::string::npos &&
      cell.find('.') == cell.rfind('.') && cell.back() != '.' && cell[digits] != '.' &&
      (cell[digits] != '0' || cell.size() == digits + 1 || cell[digits + 1] == '.');
  return numeric && cell.size() < 19 ? cell : Quote(cell);
}

void ReadCsv(std::istream& in, const std::function<void(std::string)>& take) {
  std::vector<std::string> names;
  std::vector<std::string> cells;
  uint64_t line = 1;
  if (!ReadRow(in, line, names)) return;
  while (ReadRow(in, line, cells)) {
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (cells.size() != names.size()) {
      Fail(line - 1, std::to_string(cells.size()) + " cells under " + std::to_string(names.size()) +
                         " names");
    }
    std::string document = "{";
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].empty()) continue;
      if (document.size() > 1) document += ',';
      document += Quote(names[i]) + ":" + CellValue(cells[i]);
    }
    take(document + "}");
  }
}

// Collects documents and sends them in bulk.
class Batch {
 public:
  Batch(client::Client& db, const std::string& collection, ImportResult& result)
      : db_(db), path_(CollectionPath(collection) + "/bulk?ordered=false"), result_(result) {}
  void Add(const std::string& document) {
    lines_ += Layout(document, Style::kCompact) + "\n";
    ++result_.read;
    if (++count_ == kBatchDocuments || lines_.size() >= kBatchBytes) Send();
  }
  void Send() {
    if (count_ == 0) return;
    const std::string answer = Post();
    result_.stored += std::strtoull(Member(answer, "count").c_str(), nullptr, 10);
    const auto errors = Elements(answer, "errors");
    if (!errors.empty() && result_.first_error.empty()) {
      const uint64_t index = std::strtoull(Member(errors[0], "index").c_str(), nullptr, 10);
      result_.first_error = "document " + std::to_string(result_.read - count_ + index + 1) + ": " +
                            MemberText(errors[0], "detail");
    }
    count_ = 0;
    lines_.clear();
  }

 private:
  // What the server cannot read it names by its line in the request, which the user has never seen.
  std::string Post() {
    try {
      return db_.Call("POST", path_, lines_, "application/x-ndjson");
    } catch (const client::Error& error) {
      const std::string_view said = error.what();
      constexpr std::string_view kLine = "line ";
      if (!said.starts_with(kLine)) throw;
      char* rest = nullptr;
      const uint64_t line = std::strtoull(said.data() + kLine.size(), &rest, 10);
      throw client::Error(error.status(), error.code(),
                          "document " + std::to_string(result_.read - count_ + line) + rest +
                              " (stored before it: " + std::to_string(result_.stored) + ")");
    }
  }

  client::Client& db_;
  std::string path_;
  ImportResult& result_;
  std::string lines_;
  size_t count_ = 0;
};

}  // namespace

Format ParseFormat(const std::string& name) {
  if (name == "ndjson" || name == "jsonl") return Format::kNdjson;
  if (name == "json") return Format::kJson;
  return name == "csv" ? Format::kCsv : Format::kAuto;
}

void ReadDocuments(std::istream& in, Format format,
                   const std::function<void(std::string document)>& take) {
  if (format == Format::kAuto) format = in.peek() == '[' ? Format::kJson : Format::kNdjson;
  switch (format) {
    case Format::kCsv: return ReadCsv(in, take);
    case Format::kJson: return ReadJson(in, take);
    default: return ReadNdjson(in, take);
  }
}

ImportResult Import(Commands& commands, const std::string& collection, const std::string& path,
                    Format format) {
  ImportResult result;
  Batch batch(commands.db(), collection, result);
  if (path == "-") {
    ReadDocuments(std::cin, format, [&](const std::string& d) { batch.Add(d); });
    batch.Send();
    return result;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw client::Error(0, "no_file", "cannot read " + path);
  if (format == Format::kAuto) format = ParseFormat(path.substr(path.rfind('.') + 1));
  Progress progress("import " + path, std::filesystem::file_size(path));
  ReadDocuments(file, format, [&](const std::string& d) {
    batch.Add(d);
    progress.Advance(static_cast<uint64_t>(file.tellg()));
  });
  batch.Send();
  return result;
}

uint64_t Export(Commands& commands, const std::string& collection, const std::string& path,
                Format format) {
  uint64_t written = 0;
  if (format == Format::kAuto) {
    format = path == "-" ? Format::kNdjson : ParseFormat(path.substr(path.rfind('.') + 1));
  }
  const char* name = format == Format::kCsv ? "csv" : format == Format::kJson ? "json" : "ndjson";
  const std::string source = CollectionPath(collection) + "/_export?format=" + name;
  if (path == "-") {
    commands.db().Download(source, [&](std::string_view part) {
      written += part.size();
      return std::fwrite(part.data(), 1, part.size(), stdout) == part.size();
    });
    return written;
  }
  const std::string partial = path + ".part";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  Progress progress("export " + collection, 0);
  commands.db().Download(source, [&](std::string_view part) {
    progress.Advance(written += part.size());
    return static_cast<bool>(file.write(part.data(), static_cast<std::streamsize>(part.size())));
  });
  file.close();
  if (!file) throw client::Error(0, "no_file", "cannot write " + partial);
  std::filesystem::rename(partial, path);
  return written;
}

ImportResult LoadSample(Commands& commands, const std::string& collection) {
  const std::string sample(nexadb_sample_begin, nexadb_sample_end);
  const auto documents = static_cast<uint64_t>(std::count(sample.begin(), sample.end(), '\n'));
  const std::string held = commands.db().Call("POST", CollectionPath(collection) + "/_count", "{}");
  ImportResult result;
  if (std::strtoull(Member(held, "count").c_str(), nullptr, 10) >= documents) return result;
  std::istringstream lines(sample);
  Batch batch(commands.db(), collection, result);
  ReadDocuments(lines, Format::kNdjson, [&](const std::string& d) { batch.Add(d); });
  batch.Send();
  return result;
}

}  // namespace nexadb::cli
