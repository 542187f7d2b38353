#include "plugins/storage-lsm/memtable/skiplist.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace nexadb::lsm {
namespace {

// Whether `node` stands before (head, key, sequence) in entry order.
bool Less(const SkipList::Node* node, uint64_t head, std::string_view key, Sequence sequence) {
  if (node->head != head) return node->head < head;
  const int order = node->key().compare(key);
  if (order != 0) return order < 0;
  return node->sequence > sequence;
}

}  // namespace

std::string_view ExpectedPrefix(std::string_view first, std::string_view last) {
  constexpr size_t kSpare = 2;  // six bytes of the head still tell keys apart
  const size_t limit = std::min(first.size(), last.size());
  size_t shared = 0;
  while (shared < limit && first[shared] == last[shared]) ++shared;
  return first.substr(0, shared - std::min(shared, kSpare));
}

SkipList::SkipList(std::string prefix)
    : prefix_(std::move(prefix)), root_(NewNode(kHeightMax, {}, {})) {
  for (Node*& tail : tails_) tail = root_;
}

// Never falls as keys rise: keys before those with the prefix get the least number, keys behind
// them the greatest.
uint64_t SkipList::HeadOf(std::string_view key) const {
  if (prefix_.empty()) return KeyHead(key);
  const int order = key.substr(0, prefix_.size()).compare(prefix_);
  if (order != 0) return order < 0 ? 0 : ~uint64_t{0};
  return KeyHead(key, prefix_.size());
}

std::string SkipList::SharedPrefix() const {
  if (tails_[0] == root_) return prefix_;
  return std::string(ExpectedPrefix(First()->key(), tails_[0]->key()));
}

SkipList::Node* SkipList::NewNode(int height, std::string_view key, std::string_view value) {
  const size_t links = static_cast<size_t>(height) * sizeof(std::atomic<Node*>);
  char* memory = arena_.Allocate(sizeof(Node) + links + key.size() + value.size());
  Node* node = new (memory) Node;
  node->head = HeadOf(key);
  node->sequence = 0;
  node->kind = Kind::kPut;
  node->key_size = static_cast<uint32_t>(key.size());
  node->value_size = static_cast<uint32_t>(value.size());
  node->height = static_cast<uint8_t>(height);
  for (int i = 0; i < height; ++i) new (node->next() + i) std::atomic<Node*>(nullptr);
  char* data = memory + sizeof(Node) + links;
  if (!key.empty()) std::memcpy(data, key.data(), key.size());
  if (!value.empty()) std::memcpy(data + key.size(), value.data(), value.size());
  return node;
}

int SkipList::RandomHeight() {
  int height = 1;
  while (height < kHeightMax && prng_.OneIn(kBranching)) ++height;
  return height;
}

SkipList::Node* SkipList::Prepare(std::string_view key, Sequence sequence, Kind kind,
                                  std::string_view value) {
  Node* node = NewNode(RandomHeight(), key, value);
  node->sequence = sequence;
  node->kind = kind;
  return node;
}

// One search for a new node's place, a comparison at a time.
struct SkipList::Descent {
  Node* node;
  Node* at;
  Node* next;
  const Node* bound;  // known not to stand before the new node: no second comparison
  int level;
  Node* before[kHeightMax];

  void Start(Node* new_node, Node* root, int height) {
    node = new_node;
    at = root;
    bound = nullptr;
    level = height - 1;
    next = at->Next(level);
    std::fill(before, before + kHeightMax, root);
  }
  // Compares the next node, and has the one after it fetched. False once the place is known.
  bool Step() {
    if (next != bound && Less(next, node->head, node->key(), node->sequence)) {
      at = next;
      next = at->Next(level);
    } else {
      bound = next;
    }
    while (next == bound) {
      before[level] = at;
      if (level == 0) return false;
      next = at->Next(--level);
    }
    __builtin_prefetch(next);
    __builtin_prefetch(next->next() + level);
    return true;
  }
};

void SkipList::Link(Span<Node* const> nodes) {
  Descent descents[kLinkedMax];
  Descent* running[kLinkedMax];
  size_t searched = 0;
  for (Node* node : nodes) {
    if (tails_[0] == root_ || Less(tails_[0], node->head, node->key(), node->sequence)) {
      Splice(node, tails_);
    } else {
      descents[searched].Start(node, root_, height_.load(std::memory_order_relaxed));
      running[searched] = &descents[searched];
      ++searched;
    }
  }
  for (size_t left = searched; left > 0;) {
    for (size_t i = 0; i < left;) {
      if (running[i]->Step()) {
        ++i;
      } else {
        running[i] = running[--left];
      }
    }
  }
  for (size_t i = 0; i < searched; ++i) Splice(descents[i].node, descents[i].before);
}

void SkipList::Splice(Node* node, Node* const* before) {
  if (node->height > height_.load(std::memory_order_relaxed)) {
    height_.store(node->height, std::memory_order_relaxed);
  }
  for (int i = 0; i < node->height; ++i) {
    Node* at = before[i];
    Node* next = at->Next(i);
    // What was linked together with this node may have come in between.
    while (next != nullptr && Less(next, node->head, node->key(), node->sequence)) {
      at = next;
      next = at->Next(i);
    }
    node->next()[i].store(next, std::memory_order_relaxed);
    at->next()[i].store(node, std::memory_order_release);
    if (next == nullptr) tails_[i] = node;
  }
}

const SkipList::Node* SkipList::Seek(std::string_view key, Sequence sequence) const {
  const uint64_t head = HeadOf(key);
  const Node* at = root_;
  const Node* next = nullptr;
  const Node* bound = nullptr;  // known not to stand before the place: no second comparison
  for (int i = height_.load(std::memory_order_relaxed) - 1; i >= 0; --i) {
    next = at->Next(i);
    while (next != bound && next != nullptr && Less(next, head, key, sequence)) {
      at = next;
      next = at->Next(i);
    }
    bound = next;
  }
  return next;
}

const SkipList::Node* SkipList::SeekBack(std::string_view end) const {
  const uint64_t head = HeadOf(end);
  const Node* at = root_;
  for (int i = height_.load(std::memory_order_relaxed) - 1; i >= 0; --i) {
    // Newest first within a key, so "before (end, newest)" is before all entries of `end`.
    for (const Node* next = at->Next(i);
         next != nullptr && (end.empty() || Less(next, head, end, kOwnWriteSequence));
         next = at->Next(i)) {
      at = next;
    }
  }
  return at == root_ ? nullptr : at;
}

const SkipList::Node* SkipList::Before(const Node* node) const {
  const Node* at = root_;
  for (int i = height_.load(std::memory_order_relaxed) - 1; i >= 0; --i) {
    for (const Node* next = at->Next(i);
         next != nullptr && Less(next, node->head, node->key(), node->sequence);
         next = at->Next(i)) {
      at = next;
    }
  }
  return at == root_ ? nullptr : at;
}

uint64_t SkipList::Estimate(std::string_view begin, std::string_view end) const {
  constexpr uint64_t kSampleMin = 64;  // at least so many nodes, or the lowest level
  const uint64_t head = HeadOf(begin);
  uint64_t weight = 1;
  for (int i = 1; i < kHeightMax; ++i) weight *= kBranching;
  const Node* at = root_;
  for (int level = kHeightMax - 1; level >= 0; --level, weight /= kBranching) {
    for (const Node* next = at->Next(level);
         next != nullptr && Less(next, head, begin, kOwnWriteSequence); next = at->Next(level)) {
      at = next;
    }
    uint64_t count = 0;
    for (const Node* node = at->Next(level); node != nullptr && BeforeEnd(node->key(), end);
         node = node->Next(level)) {
      ++count;
    }
    if (count >= kSampleMin || level == 0) return count * weight;
  }
  return 0;
}

}  // namespace nexadb::lsm
