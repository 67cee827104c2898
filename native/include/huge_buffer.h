// Memory for weights and caches: zeroed, page-aligned, on huge pages where the system gives them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsumugi {

class HugeBuffer {
 public:
  HugeBuffer() = default;
  explicit HugeBuffer(size_t bytes);  // throws std::bad_alloc
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;

  uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // Bytes that are in memory now: the system gives a page when it is first touched.
  size_t resident_bytes() const;
  // Gives the pages back to the system, where it takes them. What was in them is lost: zeros, or what it was.
  void give_back();

 private:
  void* mapping_ = nullptr;
  size_t mapped_bytes_ = 0;
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace tsumugi
