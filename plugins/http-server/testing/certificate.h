// Certificates for tests, made when they are needed: P-256, signed with their own key.
#pragma once
#include <cstdint>
#include <string>

namespace nexadb::http {

struct CertificateSpec {
  const char* name = "localhost";
  int64_t begins_s = -3600;  // from now
  int64_t ends_s = 30 * 24 * 3600;
};

struct Pem {
  std::string certificate;
  std::string key;
};

Pem MakeCertificate(const CertificateSpec& spec = {});
void WriteFile(const std::string& path, const std::string& text);
// Writes both beside each other and returns the member of http-server's configuration that names
// them: "tls": {...}. `more` are further members of it, each after a comma.
std::string WriteTls(const std::string& directory, const Pem& pem, const std::string& more = "");

}  // namespace nexadb::http
