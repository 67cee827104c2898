// Attributes of one op, by name: checked, with their defaults, as the op's definition in src/ops says. A kernel reads them
// once, when the session is made.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tsumugi {

class OpAttributes {
 public:
  using Value = std::variant<bool, double, std::string, std::vector<double>>;

  void set(std::string name, Value value) { values_[std::move(name)] = std::move(value); }

  bool has(const std::string& name) const { return values_.count(name) > 0; }

  double number(const std::string& name) const { return get<double>(name, "a number"); }
  double number(const std::string& name, double otherwise) const { return has(name) ? number(name) : otherwise; }

  int64_t integer(const std::string& name) const { return static_cast<int64_t>(number(name)); }
  int64_t integer(const std::string& name, int64_t otherwise) const { return has(name) ? integer(name) : otherwise; }

  bool flag(const std::string& name) const { return get<bool>(name, "a boolean"); }

  const std::string& text(const std::string& name) const { return get<std::string>(name, "a name"); }

  // Empty where the list is absent.
  std::vector<float> floats(const std::string& name) const {
    if (!has(name)) return {};
    const auto& list = get<std::vector<double>>(name, "a list of numbers");
    return std::vector<float>(list.begin(), list.end());
  }

  // The place of a name among `names`, as an enumeration counts them.
  template <class Enum, size_t count>
  Enum one_of(const std::string& name, const char* const (&names)[count]) const {
    const std::string& given = text(name);
    for (size_t i = 0; i < count; ++i) {
      if (given == names[i]) return static_cast<Enum>(i);
    }
    throw std::invalid_argument("attribute " + name + ": expected a name that the kernel knows, given " + given);
  }

 private:
  template <class Kind>
  const Kind& get(const std::string& name, const char* expected) const {
    const auto found = values_.find(name);
    const Kind* value = found == values_.end() ? nullptr : std::get_if<Kind>(&found->second);
    if (value == nullptr) {
      throw std::invalid_argument("attribute " + name + ": expected " + expected + ", given " +
                                  (found == values_.end() ? "nothing" : "another kind of value"));
    }
    return *value;
  }

  std::map<std::string, Value> values_;
};

}  // namespace tsumugi
