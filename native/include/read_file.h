// Reads ranges of a file from several threads at once.
#pragma once

#include <cstdint>
#include <string>

namespace tsumugi {

class ReadFile {
 public:
  explicit ReadFile(const std::string& path);  // UTF-8; throws std::runtime_error
  ~ReadFile();
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;

  // All the bytes, or std::runtime_error.
  void read(uint8_t* to, uint64_t offset, uint64_t bytes) const;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace tsumugi
