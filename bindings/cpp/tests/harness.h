// A test harness in one file: TEST registers, CHECK fails the test it stands in, main() is in harness.cpp.
#ifndef ONS_TESTS_HARNESS_H
#define ONS_TESTS_HARNESS_H

#include <sstream>
#include <stdexcept>
#include <string>

#include "ONSClientException.h"

namespace harness {

struct Registration {
    Registration(const char *name, const char *file, void (*run)());
};

inline void fail(const char *file, int line, const std::string &what) {
    throw std::logic_error(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

template <class A, class B>
void checkEqual(const A &actual, const B &expected, const char *text, const char *file, int line) {
    if (!(actual == expected)) {
        std::ostringstream what;
        what << text << " is '" << actual << "', expected '" << expected << "'";
        fail(file, line, what.str());
    }
}

// The exception `call` throws; a test fails if it throws none.
template <class F> ons::ONSClientException thrownBy(F call, const char *text, const char *file, int line) {
    try {
        call();
    } catch (const ons::ONSClientException &e) {
        if (std::string(e.what()).empty() || std::string(e.what()) != e.GetMsg()) {
            fail(file, line, std::string(text) + " throws an exception without a message");
        }
        return e;
    }
    fail(file, line, std::string(text) + " does not throw");
    return ons::ONSClientException();
}

inline bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace harness

#define TEST(name)                                                                                           \
    static void name();                                                                                      \
    static harness::Registration registration_##name(#name, __FILE__, name);                                 \
    static void name()

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            harness::fail(__FILE__, __LINE__, #condition);                                                   \
        }                                                                                                    \
    } while (false)

#define CHECK_EQUAL(actual, expected)                                                                        \
    harness::checkEqual(std::string(actual), std::string(expected), #actual, __FILE__, __LINE__)
#define CHECK_NUMBER(actual, expected)                                                                       \
    harness::checkEqual(static_cast<long long>(actual), static_cast<long long>(expected), #actual, __FILE__, \
                        __LINE__)
#define THROWN(call) harness::thrownBy([&] { call; }, #call, __FILE__, __LINE__)
#define CHECK_WRONG_CALL(call) CHECK_NUMBER(THROWN(call).GetError(), -1)
#define CHECK_CONTAINS(text, part)                                                                           \
    do {                                                                                                     \
        if (!harness::contains(text, part)) {                                                                \
            harness::fail(__FILE__, __LINE__,                                                                \
                          "'" + std::string(text) + "' does not contain '" + part + "'");                    \
        }                                                                                                    \
    } while (false)

#endif
