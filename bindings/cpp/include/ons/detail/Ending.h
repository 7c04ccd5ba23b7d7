// Private. Keeps the library's threads out of the program's objects once exit() destroys them.
#ifndef ONS_CPP_DETAIL_ENDING_H
#define ONS_CPP_DETAIL_ENDING_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace ons {
namespace detail {

// A program may end without shutdown(), and its listeners and callbacks are often static objects. exit()
// destroys those while messages still come in. So a handler, run before the destructors of what was made
// before it was registered, closes this gate: whoever comes later waits behind it until the process is gone,
// and whoever is inside gets some time to leave. It is registered with the first client, and again with each
// listener and callback not seen before, as that may have been made since. A client shut down or deleted by a
// destructor opens the gate for those waiting, who then go back without having called the program.
class Ending {
public:
    static Ending &instance() {
        static Ending *const ending = new Ending;
        return *ending;
    }

    // Around each call of a listener or callback.
    class Entry {
    public:
        Entry() : isOpen_(instance().enter()) {}
        ~Entry() {
            if (isOpen_) {
                instance().leave();
            }
        }
        Entry(const Entry &) = delete;
        Entry &operator=(const Entry &) = delete;
        bool isOpen() const { return isOpen_; }

    private:
        const bool isOpen_;
    };

    // Before one is handed to the library.
    void watchListener(const void *listener) { watch(listeners_, listener); }
    void watchCallback(const void *callback) { watch(callbacks_, callback); }

    void releaseWaiting() {
        if (state_.load() == CLOSED) {
            std::lock_guard<std::mutex> lock(mutex_);
            state_.store(RELEASED);
            changed_.notify_all();
        }
    }

private:
    enum State { OPEN, CLOSED, RELEASED };

    // A registered handler is never forgotten, so programs that make a listener or callback for each use must
    // not register without end. Those handed over after so many are as safe as the last registration makes
    // them. Listeners have their own number: such callbacks use theirs up within an instant.
    enum { REGISTRATIONS_MAX = 64 };

    // Addresses of one kind. No lock: where exit() holds one while handlers run, it also holds up atexit().
    struct Seen {
        Seen() : count(0), objects() {}
        std::atomic<int> count;
        std::atomic<const void *> objects[REGISTRATIONS_MAX];
    };

    Ending() : state_(OPEN), inside_(0), process_(process()) { std::atexit(close); }

    // Every asynchronous send comes by here: for one callback it is two loads and two comparisons.
    static void watch(Seen &seen, const void *object) {
        const int count = seen.count.load(std::memory_order_relaxed);
        if (count >= REGISTRATIONS_MAX) {
            return;
        }
        for (int i = 0; i < count; ++i) {
            if (seen.objects[i].load(std::memory_order_relaxed) == object) {
                return;
            }
        }
        // Two threads may both come here with the same one, which costs a registration and no more.
        const int mine = seen.count.fetch_add(1);
        if (mine < REGISTRATIONS_MAX) {
            std::atexit(close);
            seen.objects[mine].store(object);
        }
    }

    static long process() {
#ifdef _WIN32
        return 0; // knows no fork
#else
        return getpid();
#endif
    }

    // How many of the calls that are inside were made by this thread; exit() may be called by one of them.
    static int &ownCalls() {
        static thread_local int calls = 0;
        return calls;
    }

    bool enter() {
        inside_.fetch_add(1);
        if (state_.load() == OPEN) {
            ++ownCalls();
            return true;
        }
        subtract();
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return state_.load() == RELEASED; });
        return false;
    }

    void leave() {
        --ownCalls();
        subtract();
    }

    void subtract() {
        inside_.fetch_sub(1);
        if (state_.load() != OPEN) {
            std::lock_guard<std::mutex> lock(mutex_);
            changed_.notify_all();
        }
    }

    // Only the first of several registrations has something to do. In the child of a fork none has: the
    // threads that were inside do not exist there, and the lock may be held by one of them.
    static void close() {
        Ending &ending = instance();
        if (ending.process_ != process()) {
            return;
        }
        std::unique_lock<std::mutex> lock(ending.mutex_);
        if (ending.state_.load() != OPEN) {
            return;
        }
        ending.state_.store(CLOSED);
        ending.changed_.wait_for(lock, std::chrono::seconds(PATIENCE_SECONDS),
                                 [&ending] { return ending.inside_.load() <= ownCalls(); });
    }

    // The end of a program does not wait longer for its own listeners.
    enum { PATIENCE_SECONDS = 2 };

    std::atomic<int> state_;
    std::atomic<int> inside_;
    const long process_;
    Seen listeners_;
    Seen callbacks_;
    std::mutex mutex_;
    std::condition_variable changed_;
};

} // namespace detail
} // namespace ons

#endif
