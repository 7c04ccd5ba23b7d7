// Private. NUL-terminated copies of the texts the C library lends as pointer and length.
#ifndef ONS_CPP_DETAIL_TEXTCACHE_H
#define ONS_CPP_DETAIL_TEXTCACHE_H

#include <atomic>
#include <cstddef>
#include <string>

namespace ons {
namespace detail {

// The SDK's getters return `const char *` into the object. Copies are made at the first question only, so a
// message costs nothing for what is not asked. Getters are const and may run on several threads at once:
// entries are only pushed there, with one compare-and-swap. Removing needs the object for itself, as every
// setter does.
class TextCache {
public:
    TextCache() : head_(nullptr) {}
    ~TextCache() { clear(); }
    TextCache(const TextCache &) = delete;
    TextCache &operator=(const TextCache &) = delete;

    // The copy under this name, or NULL. `kind` separates name spaces.
    const char *find(char kind, const char *name) const {
        for (const Entry *entry = head_.load(std::memory_order_acquire); entry != nullptr;
             entry = entry->next) {
            if (entry->kind == kind && entry->name == name) {
                return entry->text.c_str();
            }
        }
        return nullptr;
    }

    const char *keep(char kind, const char *name, const char *text, size_t length) const {
        if (length == 0) {
            return "";
        }
        Entry *entry = new Entry(kind, name, text, length);
        entry->next = head_.load(std::memory_order_relaxed);
        while (!head_.compare_exchange_weak(entry->next, entry, std::memory_order_release,
                                            std::memory_order_relaxed)) {
        }
        return entry->text.c_str();
    }

    // Drops what was kept of these kinds; other pointers stay valid.
    void forget(const char *kinds) {
        Entry *entry = head_.exchange(nullptr, std::memory_order_acquire);
        Entry *kept = nullptr;
        while (entry != nullptr) {
            Entry *next = entry->next;
            if (std::string(kinds).find(entry->kind) == std::string::npos) {
                entry->next = kept;
                kept = entry;
            } else {
                delete entry;
            }
            entry = next;
        }
        head_.store(kept, std::memory_order_release);
    }

    void clear() {
        Entry *entry = head_.exchange(nullptr, std::memory_order_acquire);
        while (entry != nullptr) {
            Entry *next = entry->next;
            delete entry;
            entry = next;
        }
    }

private:
    struct Entry {
        Entry(char k, const char *n, const char *t, size_t length)
            : kind(k), name(n), text(t, length), next(nullptr) {}
        char kind;
        std::string name;
        std::string text;
        Entry *next;
    };

    mutable std::atomic<Entry *> head_;
};

} // namespace detail
} // namespace ons

#endif
