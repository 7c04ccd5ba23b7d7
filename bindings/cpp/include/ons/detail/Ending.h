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
// before it was registered, closes this gate: nobody is let in any more, and whoever is inside gets some time
// to leave. It is registered with the first client, and again with each listener and callback not seen
// before, as that may have been made since.
//
// The outcome of a send is dropped then. A message is held until the process is gone: given back it would use
// up an attempt, though nobody saw it. Only a consumer that a destructor shuts down or deletes takes its own
// messages back, to be left where they are.
class Ending {
public:
    static Ending &instance() {
        static Ending *const ending = new Ending;
        return *ending;
    }

    // Around each call of a listener or callback.
    class Entry {
    public:
        // Of a callback.
        Entry() : isOpen_(instance().enter()) {}
        // Of a listener: where the gate is closed, lasts until its consumer is shut down.
        explicit Entry(const std::atomic<bool> &isShutDown)
            : isOpen_(instance().enter() || instance().waitFor(isShutDown)) {}
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

    // Before a consumer waits for its listeners.
    void release(std::atomic<bool> &isShutDown) {
        isShutDown.store(true);
        tellIfClosed();
    }

private:
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

    Ending() : isClosed_(false), inside_(0), process_(process()) { std::atexit(close); }

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
        if (!isClosed_.load()) {
            ++ownCalls();
            return true;
        }
        subtract();
        return false;
    }

    // False: it does not let in.
    bool waitFor(const std::atomic<bool> &isShutDown) {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&isShutDown] { return isShutDown.load(); });
        return false;
    }

    void leave() {
        --ownCalls();
        subtract();
    }

    void subtract() {
        inside_.fetch_sub(1);
        tellIfClosed();
    }

    void tellIfClosed() {
        if (isClosed_.load()) {
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
        if (ending.isClosed_.exchange(true)) {
            return;
        }
        ending.changed_.wait_for(lock, std::chrono::seconds(PATIENCE_SECONDS),
                                 [&ending] { return ending.inside_.load() <= ownCalls(); });
    }

    // The end of a program does not wait longer for its own listeners.
    enum { PATIENCE_SECONDS = 2 };

    std::atomic<bool> isClosed_;
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
