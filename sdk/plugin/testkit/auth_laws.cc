#include "auth_laws.h"

namespace nexadb::testkit {

AuthBench::AuthBench(LawBench& bench) : bench_(bench) { Open(); }

void AuthBench::Open() {
  assembly_ = bench_.Started();
  authenticator_ = assembly_->Service<Authenticator>();
  if (authenticator_ == nullptr) throw std::runtime_error("the plugin provides no authenticator");
  keys_ = static_cast<KeyAdmin*>(authenticator_->Facet(KeyAdmin::kInterface));
  if (keys_ == nullptr) {
    throw std::runtime_error("without the facet nexadb.auth.key_admin there are no keys to try");
  }
}

void AuthBench::Restart() {
  assembly_->Stop();
  assembly_.reset();
  Open();
}

MadeKey AuthBench::Make(const std::string& name, const std::vector<std::string>& actions,
                        const std::vector<std::string>& patterns) {
  const Buffer made = Must(keys_->Create(AsBytes(KeySpec(name, actions, patterns))));
  MadeKey key{TextOf(made, "id"), TextOf(made, "key")};
  if (key.id.empty() || key.secret.empty()) throw std::runtime_error("Create gave no id or key");
  return key;
}

Result<Handle<Principal>> AuthBench::Try(std::string_view secret) {
  return TryFrom("192.0.2." + std::to_string(++peers_), secret);
}

Result<Handle<Principal>> AuthBench::TryFrom(std::string_view peer, std::string_view secret) {
  Credentials credentials;
  credentials.secret = secret;
  credentials.peer = peer;
  return authenticator_->Authenticate(credentials);
}

std::string KeySpec(const std::string& name, const std::vector<std::string>& actions,
                    const std::vector<std::string>& patterns) {
  bson::Builder spec;
  spec.Text("name", name);
  auto array = [&](const char* member, const std::vector<std::string>& items) {
    spec.OpenArray(member);
    for (size_t i = 0; i < items.size(); ++i) spec.Text(std::to_string(i), items[i]);
    spec.Close();
  };
  array("actions", actions);
  array("patterns", patterns);
  return spec.Finish();
}

std::string TextOf(const Buffer& document, const char* member) {
  if (bson::Validate(document.bytes()) != nullptr) throw std::runtime_error("no BSON document");
  for (const bson::Element& element : bson::Document(document.bytes())) {
    if (element.name() != member || element.type() != bson::Type::kString) continue;
    return std::string(element.value().Text());
  }
  return "";
}

void RegisterAuthenticatorSuite(const PluginSuite& suite) {
  RegisterLaws(suite, AuthRefusalLaws());
  RegisterLaws(suite, AuthKeyLaws());
}

}  // namespace nexadb::testkit
