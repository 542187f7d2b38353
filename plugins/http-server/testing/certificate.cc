#include "plugins/http-server/testing/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>

namespace nexadb::http {
namespace {

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  ::BIO_free(bio);
  return text;
}

}  // namespace

Pem MakeCertificate(const CertificateSpec& spec) {
  static int serial = 0;
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = ::X509_new();
  ::X509_set_version(certificate, X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), ++serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate), spec.begins_s);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate), spec.ends_s);
  X509_NAME* const name = ::X509_get_subject_name(certificate);
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(spec.name), -1, -1, 0);
  ::X509_set_issuer_name(certificate, name);
  ::X509_set_pubkey(certificate, key);
  X509_EXTENSION* const names =
      ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  ::X509_add_ext(certificate, names, -1);
  ::X509_EXTENSION_free(names);
  ::X509_sign(certificate, key, ::EVP_sha256());
  BIO* const certificate_text = ::BIO_new(::BIO_s_mem());
  ::PEM_write_bio_X509(certificate_text, certificate);
  BIO* const key_text = ::BIO_new(::BIO_s_mem());
  ::PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  ::X509_free(certificate);
  ::EVP_PKEY_free(key);
  return {TextOf(certificate_text), TextOf(key_text)};
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  std::filesystem::permissions(path, std::filesystem::perms(0600));
}

std::string WriteTls(const std::string& directory, const Pem& pem, const std::string& more) {
  std::filesystem::create_directories(directory);
  WriteFile(directory + "/certificate.pem", pem.certificate);
  WriteFile(directory + "/key.pem", pem.key);
  return R"("tls": {"certificate": ")" + directory + R"(/certificate.pem", "private_key": ")" +
         directory + "/key.pem\"" + more + "}";
}

}  // namespace nexadb::http
