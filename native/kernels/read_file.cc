#include "read_file.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#include <windows.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace tsumugi {

#if defined(_WIN32)
ReadFile::ReadFile(const std::string& path) : path_(path) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
  descriptor_ = _wopen(wide.c_str(), _O_RDONLY | _O_BINARY);
  if (descriptor_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
}
ReadFile::~ReadFile() { _close(descriptor_); }
static int64_t read_some(int descriptor, uint8_t* to, uint64_t offset, uint64_t bytes) {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  DWORD done = 0;
  const HANDLE handle = reinterpret_cast<HANDLE>(_get_osfhandle(descriptor));
  const DWORD wanted = static_cast<DWORD>(bytes < (1u << 30) ? bytes : (1u << 30));
  if (!::ReadFile(handle, to, wanted, &done, &place) && GetLastError() != ERROR_HANDLE_EOF) {
    errno = EIO;
    return -1;
  }
  return done;
}
#else
ReadFile::ReadFile(const std::string& path) : path_(path) {
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
}
ReadFile::~ReadFile() { close(descriptor_); }
static int64_t read_some(int descriptor, uint8_t* to, uint64_t offset, uint64_t bytes) {
  for (;;) {
    const ssize_t done = pread(descriptor, to, bytes, static_cast<off_t>(offset));
    if (done >= 0 || errno != EINTR) return done;
  }
}
#endif

void ReadFile::read(uint8_t* to, uint64_t offset, uint64_t bytes) const {
  uint64_t done = 0;
  while (done < bytes) {
    const int64_t now = read_some(descriptor_, to + done, offset + done, bytes - done);
    if (now < 0) throw std::runtime_error(path_ + ": " + std::strerror(errno));
    if (now == 0) {
      throw std::runtime_error(path_ + ": the file ends at byte " + std::to_string(offset + done) + ", expected " +
                               std::to_string(bytes) + " bytes from byte " + std::to_string(offset));
    }
    done += static_cast<uint64_t>(now);
  }
}

}  // namespace tsumugi
