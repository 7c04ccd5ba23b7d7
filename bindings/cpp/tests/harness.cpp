// Runs the tests whose name contains argv[1] (all without it); the last line is `N passed, N failed, N
// skipped`.
#include "harness.h"

#include <cstdio>
#include <vector>

namespace {

struct Test {
    std::string name;
    void (*run)();
};

std::vector<Test> &tests() {
    static std::vector<Test> all;
    return all;
}

bool passes(const Test &test) {
    try {
        test.run();
        std::printf("ok      %s\n", test.name.c_str());
        return true;
    } catch (const std::exception &e) {
        std::printf("FAILED  %s\n        %s\n", test.name.c_str(), e.what());
    }
    return false;
}

} // namespace

harness::Registration::Registration(const char *name, const char *file, void (*run)()) {
    std::string stem(file);
    stem = stem.substr(stem.rfind('/') + 1);
    tests().push_back(Test{stem.substr(0, stem.find('.')) + "::" + name, run});
}

int main(int argc, char **argv) {
    int passed = 0;
    int failed = 0;
    for (const Test &test : tests()) {
        if (argc < 2 || harness::contains(test.name, argv[1])) {
            ++(passes(test) ? passed : failed);
            std::fflush(stdout);
        }
    }
    std::printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
