#include "gradquake/run/workers.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <exception>
#include <stdexcept>

#include "gradquake/core/error.h"

namespace gradquake::run {
namespace {

// How an answer begins; its length and its text follow.
enum class Answer : char { kResult = 'r', kUserError = 'u', kOtherError = 'o' };

bool send_all(int socket, const void* data, std::size_t size) {
  const auto* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(socket, next, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    next += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t size) {
  auto* next = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t received = recv(socket, next, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    next += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

bool send_answer(int socket, Answer kind, const std::string& text) {
  const std::uint64_t size = text.size();
  return send_all(socket, &kind, 1) && send_all(socket, &size, sizeof size) && send_all(socket, text.data(), size);
}

// A fork's whole life: items until the other end is closed.
[[noreturn]] void serve(int socket, const std::function<std::string(std::size_t)>& work) {
  std::uint64_t item = 0;
  while (receive_all(socket, &item, sizeof item)) {
    bool heard = false;
    try {
      heard = send_answer(socket, Answer::kResult, work(static_cast<std::size_t>(item)));
    } catch (const UserError& error) {
      heard = send_answer(socket, Answer::kUserError, error.what());
    } catch (const std::exception& error) {
      heard = send_answer(socket, Answer::kOtherError, error.what());
    }
    if (!heard) break;
  }
  _exit(0);  // nothing of the caller's is flushed or destroyed twice
}

class Pool {
 public:
  Pool(std::size_t jobs, const std::function<std::string(std::size_t)>& work) {
    const pid_t caller = getpid();
    for (std::size_t j = 0; j < jobs; ++j) {
      int ends[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
      const pid_t child = fork();
      if (child < 0) fail("fork");
      if (child == 0) {
        std::signal(SIGINT, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != caller) _exit(0);  // it died before the line above
        close(ends[0]);
        for (const Worker& other : workers_) close(other.socket);
        serve(ends[1], work);
      }
      close(ends[1]);
      workers_.push_back({child, ends[0], false, 0});
    }
  }
  ~Pool() {
    for (const Worker& worker : workers_) {
      close(worker.socket);
      if (worker.busy) kill(worker.process, SIGKILL);
      waitpid(worker.process, nullptr, 0);
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void run(std::deque<std::size_t> waiting, const std::function<void(std::size_t, const std::string&)>& done) {
    for (Worker& worker : workers_) give_next(worker, waiting);
    while (std::any_of(workers_.begin(), workers_.end(), [](const Worker& one) { return one.busy; })) {
      std::vector<pollfd> heard;
      for (const Worker& worker : workers_)
        if (worker.busy) heard.push_back({worker.socket, POLLIN, 0});
      if (poll(heard.data(), heard.size(), -1) < 0 && errno != EINTR) fail("poll");
      for (const pollfd& one : heard) {
        if (one.revents == 0) continue;
        Worker& worker =
            *std::find_if(workers_.begin(), workers_.end(), [&](const Worker& w) { return w.socket == one.fd; });
        const std::string result = answer_of(worker);
        worker.busy = false;
        const std::size_t item = worker.item;
        give_next(worker, waiting);
        done(item, result);
      }
    }
  }

 private:
  struct Worker {
    pid_t process;
    int socket;
    bool busy;
    std::size_t item;
  };

  [[noreturn]] static void fail(const char* call) {
    throw std::runtime_error("[run] worker processes: " + std::string(call) + ": " + std::strerror(errno));
  }

  static void give_next(Worker& worker, std::deque<std::size_t>& waiting) {
    if (waiting.empty()) return;
    worker.item = waiting.front();
    waiting.pop_front();
    const std::uint64_t item = worker.item;
    worker.busy = true;
    if (!send_all(worker.socket, &item, sizeof item)) fail("send");
  }

  // Of "[component] message".
  static UserError user_error(const std::string& what) {
    const std::size_t end = what.find("] ");
    return {what.substr(1, end - 1), what.substr(end + 2)};
  }

  static std::string answer_of(const Worker& worker) {
    Answer kind{};
    std::uint64_t size = 0;
    std::string text;
    bool whole = receive_all(worker.socket, &kind, 1) && receive_all(worker.socket, &size, sizeof size);
    if (whole) {
      text.resize(size);
      whole = receive_all(worker.socket, text.data(), size);
    }
    if (!whole) throw std::runtime_error("[run] a worker process ended without an answer; the same command goes on");
    if (kind == Answer::kUserError) throw user_error(text);
    if (kind == Answer::kOtherError) throw std::runtime_error(text);
    return text;
  }

  std::vector<Worker> workers_;
};

}  // namespace

void share_out(const std::vector<std::size_t>& items, std::int64_t jobs,
               const std::function<std::string(std::size_t item)>& work,
               const std::function<void(std::size_t item, const std::string& result)>& done) {
  const std::size_t hands = std::min(static_cast<std::size_t>(std::max<std::int64_t>(jobs, 1)), items.size());
  if (hands <= 1) {
    for (const std::size_t item : items) done(item, work(item));
    return;
  }
  Pool(hands, work).run({items.begin(), items.end()}, done);
}

}  // namespace gradquake::run
