// The vocabulary of the plugin boundary: the only types that may appear in a virtual signature.
//
// Why not std:: types: libstdc++ and libc++ lay out string_view, string, vector and function
// differently, and even one library does so under its debug macros. The types below have one layout
// under every compiler that follows the Itanium C++ ABI, and convert inline from their std::
// counterparts, so neither side pays at the call.
//
// Rules that every interface of this folder keeps:
//  * every virtual method is noexcept; failure is a Status or a Result<T>;
//  * a view (Span, StringView, BytesView) passed in is borrowed until the call returns;
//  * what must outlive the call is a Buffer (shared, immutable bytes) or a Handle (unique owner);
//  * memory is freed by the side that allocated it;
//  * interfaces have protected, non-virtual destructors; owned ones have Release();
//  * option structs begin with struct_size, so that fields can be appended;
//  * thread tags: [control] one kernel thread at a time · [any] concurrent calls · [serial] one
//    thread at a time per object · [worker] may block · [nonblocking] neither I/O nor long waits.
//
// Interfaces are at 0.x: a plugin must be built against exactly the minor that the kernel speaks.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#define NEXADB_ABI_MAJOR 0
#define NEXADB_ABI_MINOR 1
#define NEXADB_EXPORT __attribute__((visibility("default")))

namespace nexadb {

// A borrowed range of T. Trivially copyable, 16 bytes.
template <class T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T* data, size_t size) noexcept : data_(data), size_(size) {}
  template <class C>
  requires(!std::is_same_v<std::remove_cvref_t<C>, Span> &&
           requires(C & c) {
             static_cast<T*>(c.data());
             static_cast<size_t>(c.size());
           }) constexpr Span(C&& c) noexcept
      : data_(c.data()), size_(c.size()) {}
  constexpr T* data() const noexcept { return data_; }
  constexpr size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }
  constexpr T& operator[](size_t i) const noexcept { return data_[i]; }
  // REQUIRES: offset <= size() and offset + count <= size().
  constexpr Span Sub(size_t offset, size_t count) const noexcept { return {data_ + offset, count}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

// Borrowed UTF-8 text; not necessarily terminated. Never null. 16 bytes.
class StringView {
 public:
  constexpr StringView() noexcept = default;
  constexpr StringView(const char* s) noexcept : StringView(std::string_view(s)) {}
  constexpr StringView(const char* data, size_t size) noexcept : data_(data), size_(size) {}
  template <class S>
  requires std::is_convertible_v<const S&, std::string_view>
  constexpr StringView(const S& s) noexcept {
    std::string_view v = s;
    data_ = v.data() != nullptr ? v.data() : "";
    size_ = v.size();
  }
  constexpr operator std::string_view() const noexcept { return {data_, size_}; }
  constexpr const char* data() const noexcept { return data_; }
  constexpr size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }

 private:
  const char* data_ = "";
  size_t size_ = 0;
};

using BytesView = Span<const uint8_t>;

inline BytesView AsBytes(std::string_view s) noexcept {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline std::string_view AsText(BytesView b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

// Shared, immutable bytes. Copying shares them; the side that allocated them frees them. 24 bytes.
class Buffer {
 public:
  // Header of an allocation. `free` runs on whichever thread drops the last reference.
  struct Rep {
    std::atomic<uint32_t> refs;
    uint32_t reserved;
    void (*free)(Rep*) noexcept;
  };
  Buffer() noexcept = default;
  // Adopts one reference of `rep`, which keeps `bytes` alive. A null rep means static storage.
  Buffer(BytesView bytes, Rep* rep) noexcept : bytes_(bytes), rep_(rep) {}
  Buffer(const Buffer& o) noexcept : bytes_(o.bytes_), rep_(o.rep_) {
    if (rep_ != nullptr) rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& o) noexcept : bytes_(o.bytes_), rep_(std::exchange(o.rep_, nullptr)) {
    o.bytes_ = {};
  }
  Buffer& operator=(Buffer o) noexcept {
    std::swap(bytes_, o.bytes_);
    std::swap(rep_, o.rep_);
    return *this;
  }
  ~Buffer() {
    if (rep_ != nullptr && rep_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)
      rep_->free(rep_);
  }
  // Copies `bytes`. Throws std::bad_alloc: call it where sdk::Guard stands around.
  static Buffer Copy(BytesView bytes) {
    if (bytes.empty()) return {};
    void* memory = ::operator new(sizeof(Rep) + bytes.size());
    Rep* rep =
        new (memory) Rep{1, 0, [](Rep* r) noexcept { ::operator delete(static_cast<void*>(r)); }};
    auto* data = reinterpret_cast<uint8_t*>(rep + 1);
    std::memcpy(data, bytes.data(), bytes.size());
    return {BytesView{data, bytes.size()}, rep};
  }
  // Takes over a container with data() and size() (a string, a vector) without copying its bytes.
  template <class Container>
  static Buffer Own(Container&& container) {
    using C = std::remove_cvref_t<Container>;
    static_assert(!std::is_lvalue_reference_v<Container>,
                  "Own takes the container over: move it in");
    struct Holder {
      Rep rep;
      C container;
    };
    auto* holder = new Holder{{1, 0, [](Rep* r) noexcept { delete reinterpret_cast<Holder*>(r); }},
                              std::move(container)};
    auto* data = reinterpret_cast<const uint8_t*>(holder->container.data());
    return {BytesView{data, holder->container.size()}, &holder->rep};
  }
  // A part of these bytes, sharing their storage. REQUIRES: offset + count <= size().
  Buffer Slice(size_t offset, size_t count) const noexcept {
    Buffer part(*this);
    part.bytes_ = bytes_.Sub(offset, count);
    return part;
  }
  BytesView bytes() const noexcept { return bytes_; }
  std::string_view text() const noexcept { return AsText(bytes_); }
  size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

 private:
  BytesView bytes_;
  Rep* rep_ = nullptr;
};

// What a caller should do next. The exact error is Status::number() in Status::domain().
enum class Code : uint32_t {
  kOk = 0,
  kNotFound = 1,           // the thing named does not exist
  kConflict = 2,           // somebody else was first: retry from the start, or give up
  kInvalidArgument = 3,    // the caller's mistake; retrying cannot help
  kCorruption = 4,         // stored bytes are not what was written
  kIoError = 5,            // the operating system refused
  kUnavailable = 6,        // not now: starting, draining, overloaded, peer gone
  kResourceExhausted = 7,  // a named limit was reached
  kDeadlineExceeded = 8,   // time limit or cancellation
  kPermissionDenied = 9,
  kUnsupported = 10,  // understood, but not offered here
  kInternal = 11,     // a bug
  kWouldBlock = 12,   // a non-blocking call would have had to wait or read
};

// The outcome of a call. Null is success, so the good path allocates nothing. 8 bytes.
//
// `number` identifies the error within `domain`. Domain "nexadb" is the table core/errors.toml
// (constants in core/document/errors.h); domain "mongodb" holds MongoDB's error codes; a third
// party uses a domain of its own. `detail` is a BSON document with the members that the table
// names for the error (pointer, expected, got, line, column …), or empty. Nobody parses messages.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  static Status Ok() noexcept { return {}; }
  static Status Error(Code code, std::string_view message) noexcept {
    return Make(code, {}, 0, message, {});
  }
  static Status Make(Code code, std::string_view domain, int32_t number, std::string_view message,
                     BytesView detail) noexcept {
    Status s;
    size_t tail = domain.size() + message.size() + detail.size();
    void* memory = ::operator new(sizeof(Rep) + tail, std::nothrow);
    if (memory == nullptr) {
      s.rep_ = OutOfMemory();
      return s;
    }
    s.rep_ = new (memory) Rep{1,
                              code,
                              number,
                              static_cast<uint32_t>(domain.size()),
                              static_cast<uint32_t>(message.size()),
                              static_cast<uint32_t>(detail.size()),
                              [](Rep* r) noexcept { ::operator delete(static_cast<void*>(r)); }};
    auto* out = reinterpret_cast<char*>(s.rep_ + 1);
    if (!domain.empty()) std::memcpy(out, domain.data(), domain.size());
    if (!message.empty()) std::memcpy(out + domain.size(), message.data(), message.size());
    if (!detail.empty()) {
      std::memcpy(out + domain.size() + message.size(), detail.data(), detail.size());
    }
    return s;
  }
  Status(const Status& o) noexcept : rep_(o.rep_) {
    if (rep_ != nullptr) rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  Status(Status&& o) noexcept : rep_(std::exchange(o.rep_, nullptr)) {}
  Status& operator=(Status o) noexcept {
    std::swap(rep_, o.rep_);
    return *this;
  }
  ~Status() {
    if (rep_ != nullptr && rep_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)
      rep_->free(rep_);
  }
  bool ok() const noexcept { return rep_ == nullptr; }
  Code code() const noexcept { return ok() ? Code::kOk : rep_->code; }
  int32_t number() const noexcept { return ok() ? 0 : rep_->number; }
  std::string_view domain() const noexcept { return Tail(0, ok() ? 0 : rep_->domain_size); }
  std::string_view message() const noexcept {
    return ok() ? std::string_view() : Tail(rep_->domain_size, rep_->message_size);
  }
  BytesView detail() const noexcept {
    return ok() ? BytesView()
                : AsBytes(Tail(rep_->domain_size + rep_->message_size, rep_->detail_size));
  }

 private:
  struct Rep {
    std::atomic<uint32_t> refs;
    Code code;
    int32_t number;
    uint32_t domain_size;
    uint32_t message_size;
    uint32_t detail_size;
    void (*free)(Rep*) noexcept;
  };
  std::string_view Tail(size_t offset, size_t size) const noexcept {
    return ok() ? std::string_view()
                : std::string_view(reinterpret_cast<const char*>(rep_ + 1) + offset, size);
  }
  static Rep* OutOfMemory() noexcept {
    static Rep rep{1u << 30, Code::kResourceExhausted, 0, 0, 0, 0, [](Rep*) noexcept {}};
    return &rep;
  }
  Rep* rep_ = nullptr;
};

// A value or the Status that says why there is none. T must be default constructible.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept : value_(std::move(value)) {}
  // REQUIRES: !status.ok().
  Result(Status status) noexcept : status_(std::move(status)) {}
  bool ok() const noexcept { return status_.ok(); }
  const Status& status() const& noexcept { return status_; }
  Status&& status() && noexcept { return std::move(status_); }
  T& operator*() & noexcept { return value_; }
  const T& operator*() const& noexcept { return value_; }
  T&& operator*() && noexcept { return std::move(value_); }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }

 private:
  Status status_;
  T value_{};
};

// Unique owner of an object that may live on the other side of the boundary. 8 bytes.
template <class T>
class Handle {
 public:
  Handle() noexcept = default;
  explicit Handle(T* object) noexcept : object_(object) {}
  Handle(Handle&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> Handle(Handle<U>&& o)
  noexcept : object_(o.Detach()) {}
  Handle& operator=(Handle o) noexcept {
    std::swap(object_, o.object_);
    return *this;
  }
  ~Handle() {
    if (object_ != nullptr) object_->Release();
  }
  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  // Gives ownership up without releasing.
  T* Detach() noexcept { return std::exchange(object_, nullptr); }
  void Reset() noexcept { Handle().Swap(*this); }
  void Swap(Handle& o) noexcept { std::swap(object_, o.object_); }

 private:
  T* object_ = nullptr;
};

// A function with its state. The receiver runs it as often as its documentation says.
struct Callback {
  void (*run)(void* state) noexcept = nullptr;
  void* state = nullptr;
};

struct InterfaceId {
  const char* name;  // "nexadb.storage_engine"; third parties use reverse DNS.
  uint16_t major;    // A new major is a new interface.
  uint16_t minor;    // While major is 0, provider and consumer must agree on it exactly.

  bool operator==(const InterfaceId& other) const noexcept {
    return std::string_view(name) == other.name && major == other.major && minor == other.minor;
  }
};

static_assert(sizeof(BytesView) == 16 && std::is_trivially_copyable_v<BytesView>);
static_assert(sizeof(StringView) == 16 && std::is_trivially_copyable_v<StringView>);
static_assert(sizeof(Buffer) == 24 && sizeof(Buffer::Rep) == 16);
static_assert(sizeof(Status) == 8 && sizeof(Handle<int>) == 8 && sizeof(Callback) == 16);

}  // namespace nexadb
