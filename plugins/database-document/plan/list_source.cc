#include "plugins/database-document/plan/list_source.h"

#include <algorithm>

namespace nexadb::database {

namespace {

class ListSource final : public query::DocumentSource {
 public:
  explicit ListSource(std::vector<std::string> documents) : documents_(std::move(documents)) {}
  Result<size_t> Next(std::span<query::BatchDocument> out) override {
    const size_t count = std::min(out.size(), documents_.size() - next_);
    for (size_t i = 0; i < count; ++i) {
      out[i] = query::BatchDocument::Own(std::move(documents_[next_ + i]));
    }
    next_ += count;
    return count;
  }

 private:
  std::vector<std::string> documents_;
  size_t next_ = 0;
};

}  // namespace

query::SourcePtr MakeListSource(std::vector<std::string> documents) {
  return std::make_unique<ListSource>(std::move(documents));
}

}  // namespace nexadb::database
