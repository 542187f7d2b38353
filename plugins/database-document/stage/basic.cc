// $match, $limit, $skip, $count, $unwind, $sample, $documents.
#include <algorithm>
#include <cmath>
#include <random>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/stage/partial.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

// --- $match

class MatchSource final : public DocumentSource {
 public:
  MatchSource(SourcePtr input, const Matcher& matcher)
      : input_(std::move(input)), matcher_(matcher) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&]() -> size_t {
      while (true) {
        const size_t n = Unwrap(input_->Next(out));
        if (n == 0) return 0;
        Meter::Work(n);
        size_t kept = 0;
        for (size_t i = 0; i < n; ++i) {
          if (!Unwrap(matcher_.Matches(out[i].view()))) continue;
          if (kept != i) out[kept] = std::move(out[i]);
          ++kept;
        }
        if (kept != 0) return kept;
      }
    });
  }

 private:
  SourcePtr input_;
  const Matcher& matcher_;
};

class MatchStage final : public Stage {
 public:
  explicit MatchStage(std::unique_ptr<Matcher> matcher)
      : matcher_(std::move(matcher)), filter_(AsText(matcher_->Source().bytes())) {}
  SourcePtr Open(SourcePtr input, PipelineContext&) const override {
    return std::make_unique<MatchSource>(std::move(input), *matcher_);
  }
  const std::string* Filter() const override { return &filter_; }
  Looks AddPaths(std::vector<std::string>* out) const override {
    const auto paths = matcher_->Paths();
    if (!paths) return Looks::kAnywhere;
    out->insert(out->end(), paths->begin(), paths->end());
    return Looks::kAndHandsOn;
  }
  std::unique_ptr<Matcher>* OwnFilter() override { return &matcher_; }
  bool TreatsEachAlone() const override { return true; }

 private:
  std::unique_ptr<Matcher> matcher_;
  std::string filter_;
};

// --- $limit, $skip

class LimitSource final : public DocumentSource {
 public:
  LimitSource(SourcePtr input, uint64_t limit) : input_(std::move(input)), left_(limit) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    if (left_ == 0 || input_ == nullptr) return size_t{0};
    const size_t most = static_cast<size_t>(std::min<uint64_t>(left_, out.size()));
    Result<size_t> n = input_->Next(out.first(most));
    if (n.ok()) left_ -= *n;
    return n;
  }

 private:
  SourcePtr input_;
  uint64_t left_;
};

class SkipSource final : public DocumentSource {
 public:
  SkipSource(SourcePtr input, uint64_t skip) : input_(std::move(input)), left_(skip) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      while (true) {
        const size_t n = Unwrap(input_->Next(out));
        if (n == 0 || left_ == 0) return n;
        Meter::Work(n);
        if (left_ >= n) {
          left_ -= n;
          continue;
        }
        const auto gone = static_cast<size_t>(left_);
        left_ = 0;
        for (size_t i = gone; i < n; ++i) out[i - gone] = std::move(out[i]);
        return n - gone;
      }
    });
  }

 private:
  SourcePtr input_;
  uint64_t left_;
};

template <class Source>
class CountingStage final : public Stage {
 public:
  explicit CountingStage(uint64_t n) : n_(n) {}
  std::optional<uint64_t> Takes() const override {
    return std::is_same_v<Source, LimitSource> ? std::optional(n_) : std::nullopt;
  }
  std::optional<uint64_t> Skips() const override {
    return std::is_same_v<Source, LimitSource> ? std::nullopt : std::optional(n_);
  }
  SourcePtr Open(SourcePtr input, PipelineContext&) const override {
    return std::make_unique<Source>(std::move(input), n_);
  }
  Looks AddPaths(std::vector<std::string>*) const override { return Looks::kAndHandsOn; }

 private:
  uint64_t n_;
};

uint64_t WholeNumber(const bson::Value& v, int number, std::string_view stage) {
  const std::optional<int64_t> n = v.IsNumber() ? ExactInt64(v) : std::nullopt;
  if (!n) {
    Fail(number, "invalid argument to " + std::string(stage) +
                     " stage: Expected a number that is an integer of 64 bits");
  }
  if (*n < 0) {
    Fail(number,
         "invalid argument to " + std::string(stage) + " stage: Expected a non-negative number");
  }
  return static_cast<uint64_t>(*n);
}

// --- $count

class Count final : public Partial {
 public:
  explicit Count(const std::string& field) : field_(field) {}
  bool Read(DocumentSource& input) override {
    const size_t n = Unwrap(input.Pass(kBatchDocuments));
    Meter::Work(n);
    count_ += static_cast<int64_t>(n);
    return n != 0;
  }
  size_t bytes() const override { return sizeof(Count); }
  void Join(Partial& later) override { count_ += static_cast<Count&>(later).count_; }

  // One document, unless there is nothing to count.
  Result<size_t> Next(std::span<BatchDocument> out) override {
    if (count_ == 0) return size_t{0};
    bson::Builder b;
    if (count_ <= INT32_MAX) {
      b.Int32(field_, static_cast<int32_t>(count_));
    } else {
      b.Int64(field_, count_);
    }
    count_ = 0;
    out[0] = BatchDocument::Own(b.Finish());
    return size_t{1};
  }

 private:
  const std::string& field_;
  int64_t count_ = 0;
};

class CountSource final : public DocumentSource {
 public:
  CountSource(SourcePtr input, const std::string& field)
      : input_(std::move(input)), count_(field) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      if (input_ != nullptr) {
        while (count_.Read(*input_)) {
        }
        input_.reset();
      }
      return Unwrap(count_.Next(out));
    });
  }

 private:
  SourcePtr input_;
  Count count_;
};

class CountStage final : public Stage {
 public:
  explicit CountStage(std::string field) : field_(std::move(field)) {}
  SourcePtr Open(SourcePtr input, PipelineContext&) const override {
    return std::make_unique<CountSource>(std::move(input), field_);
  }
  bool HasPartials() const override { return true; }
  std::unique_ptr<Partial> NewPartial(PipelineContext&) const override {
    return std::make_unique<Count>(field_);
  }
  Looks AddPaths(std::vector<std::string>*) const override { return Looks::kThereAlone; }

 private:
  std::string field_;
};

StagePtr ParseCount(const bson::Value& spec) {
  if (spec.type() != bson::Type::kString) Fail(40156, "the count field must be a non-empty string");
  const std::string_view field = spec.Text();
  if (field.empty()) Fail(40156, "the count field must be a non-empty string");
  if (field[0] == '$') Fail(40158, "the count field cannot be a $-prefixed path");
  if (field.find('\0') != std::string_view::npos) {
    Fail(40159, "the count field cannot contain a null byte");
  }
  if (field.find('.') != std::string_view::npos) {
    Fail(40160, "the count field cannot contain '.'");
  }
  if (field == "_id") Fail(9039800, "the count field cannot be '_id'");
  return std::make_unique<CountStage>(std::string(field));
}

// --- $unwind

struct Unwind {
  Path path;
  std::string index_field;
  bool preserve = false;
};

// One document at a time is being unwound: an array's documents together may be without bounds.
class UnwindSource final : public DocumentSource {
 public:
  UnwindSource(SourcePtr input, const Unwind& spec) : reader_(std::move(input)), spec_(spec) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      size_t n = 0;
      size_t bytes = 0;
      while (n < out.size() && bytes < kBatchBytes) {
        std::string document;
        if (*elements_) {
          document = With((*elements_).value(), index_++);
          ++elements_;
        } else {
          const BatchDocument* next = reader_.Next();
          if (next == nullptr) break;
          Meter::Work(1);
          document = Begin(next->view());
        }
        Meter::WorkBytes(document.size());
        if (document.empty()) continue;
        bytes += document.size();
        out[n++] = BatchDocument::Own(std::move(document));
      }
      return n;
    });
  }

 private:
  // The document of a value that is no array; empty when there is none, or when there are those of
  // the elements to come. The reader's document lives until they are all made.
  std::string Begin(bson::Document doc) {
    doc_ = doc;
    bson::Value v = doc.AsValue(bson::Type::kObject);
    for (const PathComponent& c : spec_.path.components()) {
      v = v.type() == bson::Type::kObject ? v.Doc()[c.name].value() : bson::Value();
    }
    if (v.type() == bson::Type::kArray && !v.Doc().empty()) {
      elements_ = v.Doc().begin();
      index_ = 0;
      return {};
    }
    if (v && !v.IsNullish() && v.type() != bson::Type::kArray) return With(v, -1);
    if (!spec_.preserve) return {};
    return With(v.type() == bson::Type::kArray ? bson::Value() : v, -1);
  }

  std::string With(const bson::Value& v, int64_t index) const {
    bson::Builder out;
    Copy(doc_, 0, v, &out);
    std::string bytes = out.Finish();
    if (spec_.index_field.empty()) return bytes;
    return SetPath(bytes, index >= 0 ? OwnedValue::Int64(index) : OwnedValue::Null());
  }

  void Copy(bson::Document doc, size_t at, const bson::Value& v, bson::Builder* out) const {
    for (const bson::Element& e : doc) {
      if (e.name() != spec_.path[at].name) {
        out->Element(e);
      } else if (at + 1 == spec_.path.size()) {
        if (v) out->Value(e.name(), v);
      } else if (e.type() == bson::Type::kObject) {
        out->OpenObject(e.name());
        Copy(e.value().Doc(), at + 1, v, out);
        out->Close();
      } else {
        out->Element(e);
      }
    }
  }

  std::string SetPath(const std::string& bytes, const OwnedValue& v) const {
    bson::Builder out;
    const Path path(spec_.index_field);
    Set(bson::Document(AsBytes(bytes)), path, 0, v, &out);
    return out.Finish();
  }
  static void Set(bson::Document doc, const Path& path, size_t at, const OwnedValue& v,
                  bson::Builder* out) {
    bool done = false;
    const auto put = [&](const bson::Value& old) {
      done = true;
      if (at + 1 == path.size()) {
        out->Value(path[at].name, v.view());
        return;
      }
      out->OpenObject(path[at].name);
      Set(old.type() == bson::Type::kObject ? old.Doc() : bson::Document(), path, at + 1, v, out);
      out->Close();
    };
    for (const bson::Element& e : doc) {
      if (e.name() == path[at].name) {
        put(e.value());
      } else {
        out->Element(e);
      }
    }
    if (!done) put(bson::Value());
  }

  BatchReader reader_;
  const Unwind& spec_;
  bson::Document doc_;
  bson::Document::Iterator elements_;
  int64_t index_ = 0;
};

class UnwindStage final : public Stage {
 public:
  explicit UnwindStage(Unwind spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext&) const override {
    return std::make_unique<UnwindSource>(std::move(input), spec_);
  }
  bool TreatsEachAlone() const override { return true; }

 private:
  Unwind spec_;
};

StagePtr ParseUnwind(const bson::Value& spec) {
  bson::Value path = spec;
  Unwind unwind;
  if (spec.type() == bson::Type::kObject) {
    path = {};
    for (const bson::Element& e : spec.Doc()) {
      if (e.name() == "path") {
        if (e.type() != bson::Type::kString) {
          Fail(28808, "expected a string as the path for $unwind stage, got " +
                          std::string(TypeName(e.type())));
        }
        path = e.value();
      } else if (e.name() == "preserveNullAndEmptyArrays") {
        if (e.type() != bson::Type::kBool) {
          Fail(28809, "expected a boolean for the preserveNullAndEmptyArrays option to $unwind");
        }
        unwind.preserve = e.value().Bool();
      } else if (e.name() == "includeArrayIndex") {
        if (e.type() != bson::Type::kString || e.value().Text().empty()) {
          Fail(28810, "expected a non-empty string for the includeArrayIndex option to $unwind");
        }
        if (e.value().Text()[0] == '$') {
          Fail(28822,
               "includeArrayIndex option to $unwind stage should not be prefixed with a "
               "'$'");
        }
        CheckFieldPath(e.value().Text());
        unwind.index_field = e.value().Text();
      } else {
        Fail(28811, "unrecognized option to $unwind stage: " + std::string(e.name()));
      }
    }
    if (!path) Fail(28812, "no path specified to $unwind stage");
  } else if (spec.type() != bson::Type::kString) {
    Fail(15981, "expected either a string or an object as specification for $unwind stage, got " +
                    std::string(TypeName(spec.type())));
  }
  if (path.Text().empty()) Fail(28812, "no path specified to $unwind stage");
  if (path.Text()[0] != '$') {
    Fail(28818,
         "path option to $unwind stage should be prefixed with a '$': " + std::string(path.Text()));
  }
  CheckFieldPath(path.Text().substr(1));
  unwind.path = Path(path.Text().substr(1));
  return std::make_unique<UnwindStage>(std::move(unwind));
}

// --- $sample

class SampleSource final : public StoredSource {
 public:
  SampleSource(SourcePtr input, uint64_t size, PipelineContext& context)
      : input_(std::move(input)), size_(size), context_(context) {}

 private:
  // Reservoir sampling: every document has the same chance, in one pass.
  void Compute() override {
    std::mt19937_64 random(std::random_device{}());
    BatchReader reader(std::move(input_));
    uint64_t seen = 0;
    size_t bytes = 0;
    const auto keep = [&](const BatchDocument& doc, Buffer* place) {
      bytes += sizeof(Buffer) + doc.view().bytes().size() - place->size();
      CheckMemory(bytes, context_, "$sample");
      *place = doc.Keep();
    };
    while (const BatchDocument* doc = reader.Next()) {
      Meter::Work(1);
      if (documents_.size() < size_) {
        keep(*doc, &documents_.emplace_back());
      } else {
        const uint64_t at = std::uniform_int_distribution<uint64_t>(0, seen)(random);
        if (at < size_) keep(*doc, &documents_[static_cast<size_t>(at)]);
      }
      ++seen;
    }
    std::shuffle(documents_.begin(), documents_.end(), random);
  }
  SourcePtr input_;
  uint64_t size_;
  PipelineContext& context_;
};

class SampleStage final : public Stage {
 public:
  explicit SampleStage(uint64_t size) : size_(size) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<SampleSource>(std::move(input), size_, context);
  }

 private:
  uint64_t size_;
};

StagePtr ParseSample(const bson::Value& spec) {
  if (spec.type() != bson::Type::kObject)
    Fail(28745,
         "the $sample stage specification must be an "
         "object");
  bson::Value size;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() != "size") {
      Fail(28748, "unrecognized option to $sample: " + std::string(e.name()));
    }
    size = e.value();
  }
  if (!size) Fail(28749, "$sample stage must specify a size");
  if (!size.IsNumber()) Fail(28746, "size argument to $sample must be a number");
  const double n = TruncateToDouble(size);
  if (!(n >= 1)) Fail(28747, "size argument to $sample must be a positive integer");
  return std::make_unique<SampleStage>(n >= 0x1p62 ? uint64_t{1} << 62 : static_cast<uint64_t>(n));
}

// --- $documents

class DocumentsSource final : public StoredSource {
 public:
  explicit DocumentsSource(const OwnedValue& list) : list_(list) {}

 private:
  void Compute() override {
    for (const bson::Element& e : list_.view().Doc()) {
      documents_.push_back(Buffer::Copy(e.value().Doc().bytes()));
    }
  }
  const OwnedValue& list_;
};

class DocumentsStage final : public Stage {
 public:
  explicit DocumentsStage(OwnedValue list) : list_(std::move(list)) {}
  SourcePtr Open(SourcePtr, PipelineContext&) const override {
    return std::make_unique<DocumentsSource>(list_);
  }
  bool BringsDocuments() const override { return true; }

 private:
  OwnedValue list_;
};

StagePtr ParseDocuments(const bson::Value& spec, const ParseOptions& options) {
  const auto expression = Unwrap(Expression::Parse(spec, options));
  OwnedValue list = Unwrap(expression->Evaluate(bson::Document())).Keep();
  if (list.type() != bson::Type::kArray) {
    Fail(5858203, "an array is expected as the $documents stage's operand");
  }
  for (const bson::Element& e : list.view().Doc()) {
    if (e.type() != bson::Type::kObject) {
      Fail(40228, "$documents array elements must be objects");
    }
  }
  return std::make_unique<DocumentsStage>(std::move(list));
}

}  // namespace

StagePtr ParseBasicStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options) {
  if (name == "$match") {
    if (spec.type() != bson::Type::kObject) {
      Fail(15959, "the match filter must be an expression in an object");
    }
    return std::make_unique<MatchStage>(Unwrap(Matcher::Parse(spec.Doc(), options)));
  }
  if (name == "$limit") {
    const uint64_t n = WholeNumber(spec, 5107201, name);
    if (n == 0) Fail(15958, "the limit must be positive");
    return std::make_unique<CountingStage<LimitSource>>(n);
  }
  if (name == "$skip") {
    return std::make_unique<CountingStage<SkipSource>>(WholeNumber(spec, 5107200, name));
  }
  if (name == "$count") return ParseCount(spec);
  if (name == "$unwind") return ParseUnwind(spec);
  if (name == "$sample") return ParseSample(spec);
  if (name == "$documents") return ParseDocuments(spec, options);
  return nullptr;
}

}  // namespace nexadb::query
