// What the laws of authenticators are written with. Internal to the test kit.
#pragma once
#include <string>
#include <vector>

#include "law.h"
#include "nexadb/authenticator.h"
#include "nexadb/bson.h"

namespace nexadb::testkit {

// A key as KeyAdmin::Create has answered.
struct MadeKey {
  std::string id;
  std::string secret;
};

// A started authenticator with its keys.
class AuthBench {
 public:
  explicit AuthBench(LawBench& bench);
  Authenticator& authenticator() { return *authenticator_; }
  KeyAdmin& keys() { return *keys_; }
  Assembly& assembly() { return *assembly_; }

  MadeKey Make(const std::string& name, const std::vector<std::string>& actions = {"read"},
               const std::vector<std::string>& patterns = {"shop/orders"});
  // From an address of its own at each call, so that no throttle joins in.
  Result<Handle<Principal>> Try(std::string_view secret);
  Result<Handle<Principal>> TryFrom(std::string_view peer, std::string_view secret);
  Handle<Principal> Enter(std::string_view secret) { return Must(Try(secret)); }
  // Stops the plugin and starts it over the same store.
  void Restart();

 private:
  void Open();

  LawBench& bench_;
  int peers_ = 0;
  std::unique_ptr<Assembly> assembly_;
  Authenticator* authenticator_ = nullptr;
  KeyAdmin* keys_ = nullptr;
};

std::string KeySpec(const std::string& name, const std::vector<std::string>& actions,
                    const std::vector<std::string>& patterns);
// A member of a key's document, as text; empty when absent.
std::string TextOf(const Buffer& document, const char* member);

std::vector<PluginLaw> AuthRefusalLaws();
std::vector<PluginLaw> AuthKeyLaws();

}  // namespace nexadb::testkit
