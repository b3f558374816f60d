#include "program.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>

namespace gradquake::end_to_end {
namespace {

int checked(int result, const char* action) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), action);
  return result;
}

std::string content(int file) {
  std::string text;
  std::array<char, 4096> buffer;
  checked(static_cast<int>(::lseek(file, 0, SEEK_SET)), "seek");
  for (ssize_t n = 0; (n = ::read(file, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace

Process::Process(const Arguments& arguments, const std::filesystem::path& folder, Errors errors) {
  const std::string program = std::string(GRADQUAKE_BINARY_DIR) + "/gradquake";
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  out_ = checked(::memfd_create("out", MFD_CLOEXEC), "memfd_create");
  if (errors == Errors::kTerminal) {
    checked(::openpty(&terminal_, &err_, nullptr, nullptr, nullptr), "openpty");
  } else {
    err_ = checked(::memfd_create("err", MFD_CLOEXEC), "memfd_create");
  }
  pid_ = checked(::fork(), "fork");
  if (pid_ == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (::chdir(folder.c_str()) == 0 && ::dup2(nothing, 0) == 0 && ::dup2(out_, 1) == 1 && ::dup2(err_, 2) == 2) {
      ::execv(program.c_str(), argv.data());
    }
    ::_exit(127);
  }
}

Process::~Process() {
  if (!ended()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int file : {out_, err_, terminal_}) {
    if (file >= 0) ::close(file);
  }
}

bool Process::ended() {
  if (!ended_) ended_ = ::waitpid(pid_, &state_, WNOHANG) == pid_;
  return ended_;
}

bool Process::wait_until(const std::function<bool()>& condition) {
  while (!condition()) {
    if (ended()) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

void Process::send(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

// A terminal's buffer is small: it is read while the program writes, and ends once nobody holds its other side.
std::string Process::errors() {
  if (terminal_ < 0) return content(err_);
  ::close(err_);
  err_ = -1;
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = ::read(terminal_, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

Result Process::wait() {
  Result result;
  if (terminal_ >= 0) result.err = errors();
  if (!ended_) checked(::waitpid(pid_, &state_, 0), "waitpid");
  ended_ = true;
  if (terminal_ < 0) result.err = errors();
  result.out = content(out_);
  result.status = WIFEXITED(state_) ? WEXITSTATUS(state_) : 128 + WTERMSIG(state_);
  return result;
}

Result run(const Arguments& arguments, const std::filesystem::path& folder) {
  return Process(arguments, folder).wait();
}

}  // namespace gradquake::end_to_end
