#include "huge_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace tsumugi {

namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}

HugeBuffer::HugeBuffer(size_t bytes) {
  if (bytes == 0) return;
  // A small buffer takes small pages; a large one is laid on the border of a huge page.
  const bool huge = bytes >= kHugePage;
  mapped_bytes_ = huge ? (bytes + 2 * kHugePage - 1) / kHugePage * kHugePage : bytes;
  void* mapping = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = mapping;
  uintptr_t start = reinterpret_cast<uintptr_t>(mapping);
  if (huge) start = (start + kHugePage - 1) / kHugePage * kHugePage;
  data_ = reinterpret_cast<uint8_t*>(start);
  bytes_ = bytes;
#if defined(MADV_HUGEPAGE)
  if (huge) madvise(data_, mapped_bytes_ - (start - reinterpret_cast<uintptr_t>(mapping)), MADV_HUGEPAGE);
#endif
}

HugeBuffer::~HugeBuffer() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
}

size_t HugeBuffer::resident_bytes() const {
  if (mapping_ == nullptr) return 0;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  constexpr size_t kStep = size_t{256} << 20;
#if defined(__APPLE__)
  std::vector<char> pages(kStep / page);
#else
  std::vector<unsigned char> pages(kStep / page);
#endif
  uint8_t* begin = static_cast<uint8_t*>(mapping_);
  size_t resident = 0;
  for (size_t at = 0; at < mapped_bytes_; at += kStep) {
    const size_t bytes = std::min(kStep, mapped_bytes_ - at);
    const size_t count = (bytes + page - 1) / page;
    if (mincore(begin + at, bytes, pages.data()) != 0) return bytes_;
    for (size_t i = 0; i < count; ++i) resident += static_cast<size_t>(pages[i] & 1) * page;
  }
  return std::min(resident, bytes_);
}

void HugeBuffer::give_back() {
#if defined(__linux__)
  if (mapping_ != nullptr) madvise(mapping_, mapped_bytes_, MADV_DONTNEED);
#endif
}

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace tsumugi
