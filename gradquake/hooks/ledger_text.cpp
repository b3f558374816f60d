// The ledger's counters as text: a header, then fields separated by spaces. A string is its length, a colon and its
// bytes, so that any site name survives.
#include <charconv>
#include <stdexcept>
#include <string_view>

#include "gradquake/hooks/ledger_state.h"

namespace gradquake {
namespace {

constexpr std::string_view kHeader = "gradquake-ledger-1";

class TextWriter {
 public:
  void add(std::int64_t number) { text_ += std::to_string(number) + ' '; }
  void add(const std::string& bytes) { text_ += std::to_string(bytes.size()) + ':' + bytes + ' '; }
  std::string text_;
};

class TextReader {
 public:
  explicit TextReader(std::string_view text) : rest_(text) {}

  std::int64_t number(char end = ' ') {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    if (error != std::errc() || rest_.empty() || rest_.front() != end || value < 0) refuse();
    rest_.remove_prefix(1);
    return value;
  }

  std::string bytes() {
    const auto size = static_cast<std::uint64_t>(number(':'));
    if (size >= rest_.size() || rest_[size] != ' ') refuse();
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size + 1);
    return value;
  }

  bool done() const { return rest_.empty(); }

  [[noreturn]] static void refuse() {
    throw std::invalid_argument("[hooks] expected the ledger text that Ledger::save wrote, got a damaged one");
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string Ledger::save() const {
  const std::scoped_lock lock(state_->mutex);
  TextWriter out;
  out.add(std::string(kHeader));
  out.add(state_->scopes);
  out.add(static_cast<std::int64_t>(state_->tallies.size()));
  for (const auto& [key, tally] : state_->tallies) {
    const auto& [kind, site, rule, direction] = key;
    for (const std::string& part : {kind, site, rule, direction, tally.message}) out.add(part);
    out.add(tally.count);
    out.add(tally.first_step);
  }
  out.add(static_cast<std::int64_t>(state_->coverage.size()));
  for (const State::Coverage& c : state_->coverage) {
    for (const std::string& part : {c.rule, c.site, c.direction}) out.add(part);
    out.add(static_cast<std::int64_t>(c.ran_when_due));
    out.add(static_cast<std::int64_t>(c.ran_at_all));
    out.add(c.missed);
    out.add(c.first_missed);
  }
  return out.text_;
}

void Ledger::restore(const std::string& text) {
  TextReader in(text);
  if (in.bytes() != kHeader) TextReader::refuse();
  const std::int64_t scopes = in.number();
  std::map<State::WarningKey, State::Tally> tallies;
  for (std::int64_t left = in.number(); left > 0; --left) {
    std::string kind = in.bytes(), site = in.bytes(), rule = in.bytes(), direction = in.bytes();
    State::Tally tally;
    tally.message = in.bytes();
    tally.count = in.number();
    tally.first_step = in.number();
    tallies[{std::move(kind), std::move(site), std::move(rule), std::move(direction)}] = std::move(tally);
  }
  std::vector<State::Coverage> coverage;
  for (std::int64_t left = in.number(); left > 0; --left) {
    State::Coverage c;
    c.rule = in.bytes();
    c.site = in.bytes();
    c.direction = in.bytes();
    c.ran_when_due = in.number() != 0;
    c.ran_at_all = in.number() != 0;
    c.missed = in.number();
    c.first_missed = in.number();
    coverage.push_back(std::move(c));
  }
  if (!in.done()) TextReader::refuse();
  // The plan's scopes know coverage by position: positions stay, unknown ones are appended.
  for (State::Coverage& saved : coverage) {
    const std::size_t position = state_->cover(saved.rule, saved.site, saved.direction);
    const std::scoped_lock lock(state_->mutex);
    state_->coverage[position] = std::move(saved);
  }
  const std::scoped_lock lock(state_->mutex);
  state_->tallies = std::move(tallies);
  state_->scopes = scopes;
}

}  // namespace gradquake
