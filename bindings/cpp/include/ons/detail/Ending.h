// Private. Keeps the library's threads out of the program's objects once exit() destroys them.
#ifndef ONS_CPP_DETAIL_ENDING_H
#define ONS_CPP_DETAIL_ENDING_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

namespace ons {
namespace detail {

// A program may end without shutdown(), and its listeners and callbacks are often static objects. exit()
// destroys those while messages still come in. So a handler, registered with the first client and hence run
// before the destructors of what was made earlier, closes this gate: whoever comes later waits behind it
// until the process is gone, and whoever is inside gets some time to leave. A shutdown() called by a
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

    void releaseWaiting() {
        if (state_.load() == CLOSED) {
            std::lock_guard<std::mutex> lock(mutex_);
            state_.store(RELEASED);
            changed_.notify_all();
        }
    }

private:
    enum State { OPEN, CLOSED, RELEASED };

    Ending() : state_(OPEN), inside_(0) { std::atexit(close); }

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

    static void close() {
        Ending &ending = instance();
        std::unique_lock<std::mutex> lock(ending.mutex_);
        ending.state_.store(CLOSED);
        ending.changed_.wait_for(lock, std::chrono::seconds(PATIENCE_SECONDS),
                                 [&ending] { return ending.inside_.load() <= ownCalls(); });
    }

    // The end of a program does not wait longer for its own listeners.
    enum { PATIENCE_SECONDS = 2 };

    std::atomic<int> state_;
    std::atomic<int> inside_;
    std::mutex mutex_;
    std::condition_variable changed_;
};

} // namespace detail
} // namespace ons

#endif
