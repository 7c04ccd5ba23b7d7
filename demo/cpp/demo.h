// What the two demo programs share: their words, the message's number, percentiles and progress.
#ifndef ONS_DEMO_H
#define ONS_DEMO_H

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace demo {

static const char *const TOPIC = "demo";
static const size_t BODY_SIZE = 1024;

inline int countOf(int argc, char **argv) { return argc > 1 ? std::atoi(argv[1]) : 100000; }

// The body of message `number`: the number in decimal, filled up to 1 KiB.
inline std::string bodyOf(int number) {
    std::string body = std::to_string(number) + " ";
    body.resize(BODY_SIZE, '.');
    return body;
}

inline long long nowMicros() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

inline long long epochMillis() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

inline double perSecond(size_t count, long long micros) {
    return static_cast<double>(count) * 1e6 / static_cast<double>(std::max(micros, 1LL));
}

inline long long percentile(std::vector<long long> &sorted, int percent) {
    return sorted.empty() ? 0 : sorted[(sorted.size() - 1) * static_cast<size_t>(percent) / 100];
}

inline void progress(const char *verb, size_t done, size_t count) {
    std::fprintf(stderr, "\r%s %zu of %zu%s", verb, done, count, done == count ? "\n" : "");
    std::fflush(stderr);
}

} // namespace demo

#endif
