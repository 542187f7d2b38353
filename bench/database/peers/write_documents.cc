// Writes the documents as lines of JSON, for engines that live in another language.
//   database-documents COUNT > documents.ndjson ; database-documents cities > cities.ndjson
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "bench/database/peers/documents.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: database-documents COUNT | cities\n";
    return 2;
  }
  std::ios::sync_with_stdio(false);
  const bool cities = std::strcmp(argv[1], "cities") == 0;
  const uint64_t count = cities ? nexadb::bench::kCities : std::strtoull(argv[1], nullptr, 10);
  for (uint64_t i = 0; i < count; ++i) {
    std::cout << (cities ? nexadb::bench::CityOf(i) : nexadb::bench::DocumentOf(i)) << '\n';
  }
  return std::cout.good() ? 0 : 1;
}
