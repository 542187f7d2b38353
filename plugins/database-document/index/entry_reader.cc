#include "plugins/database-document/index/entry_reader.h"

#include <algorithm>
#include <cstring>

namespace nexadb::database {

namespace {

constexpr std::string_view kId = "_id";

bool Contains(std::span<const std::string> paths, std::string_view path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace

bool EntryReader::Holds(const IndexEntry& index, std::span<const std::string> paths) {
  if (!index.types || index.building || index.arrays.empty() || index.arrays.Any()) return false;
  const bson::Document key = index.key();
  return std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
    // _id is given as a whole, by what the entry's value has of it.
    return path == kId || (!path.starts_with("_id.") && key[path]);
  });
}

EntryReader::EntryReader(const IndexEntry& index, std::span<const std::string> paths)
    : wants_id_(Contains(paths, kId)) {
  for (IndexPart& part : PartsOf(index)) {
    const std::string& name = part.path.text();
    const bool wanted = name != kId && Contains(paths, name);
    parts_.push_back({std::move(part.path),
                      part.descending ? query::KeyOrder::kDescending : query::KeyOrder::kAscending,
                      wanted});
    if (wanted) decoded_parts_ = parts_.size();
  }
  pieces_.resize(parts_.size());
  by_place_.reserve(parts_.size());
}

bool EntryReader::Read(std::string_view key, std::string_view value, std::string* out) {
  if (key.size() < kIndexPrefixBytes || !types_.Decode(value, parts_.size())) return false;
  if (!Decode(key.substr(kIndexPrefixBytes), EntryOwner(value))) return false;
  SortByPlace();
  const size_t begin = out->size();
  open_.clear();
  out->append(sizeof(uint32_t), '\0');
  if (wants_id_) WriteLeaf(kId, id_, out);
  for (const size_t part : by_place_) {
    if (parts_[part].wanted) Write(part, out);
  }
  CloseDownTo(0, out);
  out->push_back('\0');
  const auto size = static_cast<uint32_t>(out->size() - begin);
  std::memcpy(out->data() + begin, &size, sizeof(size));
  return true;
}

bool EntryReader::Decode(std::string_view key, std::string_view owner) {
  values_.clear();
  const auto decode = [&](BytesView* encoded, query::KeyOrder order, query::KeyLoss loss,
                          Piece* piece) {
    piece->begin = values_.size();
    const query::Decoded decoded = query::DecodeKey(encoded, order, loss, &piece->type, &values_);
    piece->size = values_.size() - piece->begin;
    return decoded;
  };
  if (wants_id_) {
    BytesView encoded = AsBytes(owner);
    if (decode(&encoded, query::KeyOrder::kAscending, types_.id(), &id_) !=
        query::Decoded::kValue) {
      return false;
    }
  }
  BytesView encoded = AsBytes(key);
  for (size_t i = 0; i < decoded_parts_; ++i) {
    // What is passed over may have lost what it likes, as long as its end is found.
    const query::KeyLoss loss = parts_[i].wanted ? types_.of(i) : query::KeyLoss::kNothing;
    const query::Decoded decoded = decode(&encoded, parts_[i].order, loss, &pieces_[i]);
    if (decoded == query::Decoded::kUnknown) return false;
    if (decoded == query::Decoded::kNullish && parts_[i].wanted) return false;
  }
  return true;
}

// Each part goes before those that were put there already and stand behind it in the document.
void EntryReader::SortByPlace() {
  by_place_.clear();
  for (size_t i = 0; i < parts_.size(); ++i) {
    by_place_.insert(by_place_.end() - static_cast<ptrdiff_t>(types_.behind(i)), i);
  }
}

void EntryReader::Write(size_t part, std::string* out) {
  const query::Path& path = parts_[part].path;
  size_t depth = 0;
  while (depth < open_.size() && depth + 1 < path.size() &&
         *open_[depth].name == path[depth].name) {
    ++depth;
  }
  CloseDownTo(depth, out);
  for (; depth + 1 < path.size(); ++depth) {
    out->push_back(static_cast<char>(bson::Type::kObject));
    out->append(path[depth].name).push_back('\0');
    open_.push_back({&path[depth].name, out->size()});
    out->append(sizeof(uint32_t), '\0');
  }
  WriteLeaf(path[depth].name, pieces_[part], out);
}

void EntryReader::WriteLeaf(std::string_view name, const Piece& piece, std::string* out) const {
  out->push_back(static_cast<char>(piece.type));
  out->append(name).push_back('\0');
  out->append(values_, piece.begin, piece.size);
}

void EntryReader::CloseDownTo(size_t depth, std::string* out) {
  for (; open_.size() > depth; open_.pop_back()) {
    const size_t begin = open_.back().begin;
    out->push_back('\0');
    const auto size = static_cast<uint32_t>(out->size() - begin);
    std::memcpy(out->data() + begin, &size, sizeof(size));
  }
}

}  // namespace nexadb::database
