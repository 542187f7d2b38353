// The interfaces of this kernel's contract, taken from the headers that define them.
#include "core/config/suggest.h"
#include "core/loader/manifest.h"
#include "nexadb/authenticator.h"
#include "nexadb/database.h"
#include "nexadb/http.h"
#include "nexadb/kernel_info.h"
#include "nexadb/storage_engine.h"
#include "nexadb/vector_index.h"

namespace nexadb::loader {
namespace {

constexpr InterfaceId kContract[] = {
    StorageEngine::kInterface, VectorIndexProvider::kInterface, Authenticator::kInterface,
    Database::kInterface,      HttpRouter::kInterface,          KernelInfo::kInterface,
};

}  // namespace

Status CheckContract(const InterfaceName& interface) {
  if (!interface.name.starts_with("nexadb.")) return {};
  std::vector<std::string_view> names;
  for (const InterfaceId& known : kContract) {
    names.push_back(known.name);
    if (interface.name != known.name) continue;
    if (interface.major == known.major && interface.minor == known.minor) return {};
    const InterfaceName ours{known.name, known.major, known.minor};
    return Status::Error(Code::kUnsupported,
                         "built for " + interface.Text() + ", this kernel speaks " + ours.Text());
  }
  return Status::Error(Code::kUnsupported, "built for " + interface.Text() +
                                               ", which this kernel does not know" +
                                               config::Suggest(interface.name, names));
}

}  // namespace nexadb::loader
