// JsonReader: one reading of one JSON text into BSON. Private to core/document; RapidJSON's events
// arrive here and are written straight into the output, so no tree is ever built and nothing
// recurses. A wrapper ({"$oid": …}) is first written as the object that it looks like, and
// replaced in place when that object ends.
//
// Not thread-safe; used once.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/document/json.h"

namespace nexadb::json {

enum class Root : uint8_t {
  kDocument,   // an object, written as a document
  kValue,      // anything, written as the nameless member of a document
  kDocuments,  // an array of objects, each handed to the sink
};

class JsonReader {
 public:
  JsonReader(Root root, const JsonOptions& options, const DocumentSink* sink)
      : root_(root), options_(options), sink_(sink) {}
  Status Read(std::string_view json);
  // The document. REQUIRES: Read returned OK, and the root is not kDocuments.
  std::string Take() { return std::move(out_); }

  // RapidJSON's handler. Each returns false to stop, after setting failure_.
  bool Null() { return BeginValue(bson::Type::kNull); }
  bool Bool(bool v);
  bool RawNumber(const char* text, uint32_t size, bool copy);
  bool String(const char* text, uint32_t size, bool copy);
  bool StartObject();
  bool Key(const char* text, uint32_t size, bool copy);
  bool EndObject(uint32_t members);
  bool StartArray();
  bool EndArray(uint32_t elements);
  // Never called: numbers arrive as text.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  // An object or array that is open. Offsets are into out_.
  struct Frame {
    size_t header;   // its type byte, or kNowhere for a root
    size_t start;    // its length field
    size_t element;  // the type byte of the member that is being read
    size_t names;    // the first of its names in names_
    uint64_t index;  // of the element that is next, in arrays
    bool array;
    bool dollar;  // its first name begins with '$'
  };
  struct Name {
    uint32_t offset;
    uint32_t size;
  };
  static constexpr size_t kNowhere = ~size_t{0};

  bool BeginValue(bson::Type type);
  bool Open(bson::Type type);
  void Seal(const Frame& frame);
  bool EndElementDocument();
  bool CheckName(std::string_view name);
  bool CheckNamesOfLarge(const Frame& frame);
  bool UnwrapLast(const Frame& frame);
  bool Fail(ErrorId id, std::string message);
  bool Fail(Status status);
  bool IsRootArray() const { return root_ == Root::kDocuments && frames_.size() == 1; }
  std::string_view NameAt(const Name& name) const {
    return std::string_view(out_).substr(name.offset, name.size);
  }
  std::string Pointer() const;
  Status Located(ErrorId id, const std::string& message, std::string_view json,
                 size_t offset) const;

  const Root root_;
  const JsonOptions options_;
  const DocumentSink* const sink_;
  std::string out_;
  std::vector<Frame> frames_;
  std::vector<Name> names_;  // of all open objects, inner ones last
  int64_t fields_ = 0;
  std::string payload_;  // scratch of UnwrapLast

  ErrorId failure_id_ = ErrorId::kInternal;
  std::string failure_;
  Status failure_status_;  // the sink's own
};

}  // namespace nexadb::json
