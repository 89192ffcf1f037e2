#pragma once
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

namespace loom {

/// A value, or none, that many owners hold as one: a copy takes 16 bytes. To read it is to look at the one; who asks for it
/// through something that is not const gets one of its own first, where others hold it too.
template <class T>
class Shared {
public:
    Shared() = default; ///< none
    Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}
    /// T's default, the same one for all.
    static Shared standard() {
        static const Shared value{T{}};
        return value;
    }

    explicit operator bool() const { return value_ != nullptr; }
    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }
    T& operator*() { return own(); }
    T* operator->() { return &own(); }
    T& emplace() { return *(value_ = std::make_shared<T>()); }
    void reset() { value_.reset(); }

    friend bool operator==(const Shared& a, const Shared& b) {
        return a.value_ == b.value_ || (a.value_ && b.value_ && *a.value_ == *b.value_);
    }

private:
    T& own() {
        if (value_.use_count() > 1) value_ = std::make_shared<T>(std::as_const(*value_));
        return *value_;
    }

    std::shared_ptr<T> value_;
};

/// Finds the one that stands for all that are equal to it. `Hash` is of the value.
template <class T, class Hash>
class Distinct {
public:
    void share(Shared<T>& value) {
        if (!value) return;
        const auto [first, last] = known_.equal_range(Hash()(*std::as_const(value)));
        for (auto at = first; at != last; ++at)
            if (at->second == value) {
                value = at->second;
                return;
            }
        known_.emplace_hint(last, Hash()(*std::as_const(value)), value);
    }

private:
    std::unordered_multimap<std::size_t, Shared<T>> known_;
};

} // namespace loom
