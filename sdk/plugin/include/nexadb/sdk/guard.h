// sdk::Guard: the wall between a plugin's exceptions and the boundary's Status.
//
//   Result<Buffer> Engine::Get(BytesView key, const ReadOptions&) noexcept {
//     return sdk::Guard([&]() -> Result<Buffer> { return Find(key); });
//   }
//
// Runs on the throwing side, so the exception never meets another standard library.
#pragma once
#include <exception>
#include <new>

#include "nexadb/abi.h"

namespace nexadb::sdk {

template <class Body>
auto Guard(Body&& body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kResourceExhausted, "out of memory");
  } catch (const std::exception& error) {
    return Status::Error(Code::kInternal, error.what());
  } catch (...) {
    return Status::Error(Code::kInternal, "an exception that is not a std::exception");
  }
}

}  // namespace nexadb::sdk
