// Guards against: threads, descriptors or memory that stay behind when clients come and go.
#include <chrono>
#include <cstdio>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "world.h"

using namespace ons;
using world::Directory;

namespace {

struct Usage {
    long threads;
    long descriptors;
    long residentKib;
};

long statusOf(const std::string &field) {
    std::ifstream status("/proc/self/status");
    std::string name;
    std::string rest;
    while (status >> name) {
        long value = 0;
        if (name == field + ":") {
            status >> value;
            return value;
        }
        std::getline(status, rest);
    }
    return -1;
}

// The threads of the process, once they are no more than so many: one that was joined is still listed for an
// instant. Those that stay are told after a minute.
long threadsOnceAtMost(long wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    long threads = statusOf("Threads");
    while (threads > wanted && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
        threads = statusOf("Threads");
    }
    return threads;
}

Usage usage() {
    long descriptors = 0;
    DIR *open = opendir("/proc/self/fd");
    while (open != nullptr && readdir(open) != nullptr) {
        ++descriptors;
    }
    closedir(open);
    return Usage{statusOf("Threads"), descriptors, statusOf("VmRSS")};
}

// Not synced: what a disk takes to sync is not what is looked at here.
ONSFactoryProperty unsynced(const Directory &directory, const char *group) {
    ONSFactoryProperty settings = directory.settings(group);
    settings.setFactoryProperty("FlushDiskType", "ASYNC_FLUSH");
    return settings;
}

void cycle(const Directory &directory) {
    world::Recorder recorder;
    world::Outcomes outcomes;
    Producer *producer = ONSFactory::getInstance()->createProducer(unsynced(directory, "GID_producer"));
    PushConsumer *consumer =
        ONSFactory::getInstance()->createPushConsumer(unsynced(directory, "GID_consumer"));
    consumer->subscribe("topic", "*", &recorder);
    producer->start();
    consumer->start();
    Message message("topic", "tag", "body");
    producer->send(message);
    producer->sendAsync(message, &outcomes);
    CHECK(recorder.receives(2));
    CHECK(outcomes.succeeded.reaches(1));
    consumer->shutdown();
    producer->shutdown();
    CHECK_NUMBER(recorder.count(), 2);
    delete consumer;
    delete producer;
}

// Bytes that were allocated and not freed; 0 where the C library does not tell.
double heapBytes() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    const struct mallinfo2 info = mallinfo2();
    return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
#else
    return 0;
#endif
}

// An amount of memory over cycles, fitted by a straight line.
class Growth {
public:
    Growth() : count_(0), x_(0), y_(0), xx_(0), xy_(0) {}
    void add(double cycle, double bytes) {
        count_ += 1;
        x_ += cycle;
        y_ += bytes;
        xx_ += cycle * cycle;
        xy_ += cycle * bytes;
    }
    double bytesACycle() const { return (count_ * xy_ - x_ * y_) / (count_ * xx_ - x_ * x_); }

private:
    double count_, x_, y_, xx_, xy_;
};

bool isWhole() {
    const char *prove = std::getenv("PROVE");
    return prove != nullptr && std::string(prove) == "full";
}

} // namespace

// What is made once settles over the first half; lines are fitted to the second. What is allocated and not
// freed is nearly exact over thousands of cycles: the smallest thing a client owns, a name, takes 32 bytes
// each. Over the first hundred the allocator's caches still fill, and a limit below half of a client must do.
// What is resident moves by megabytes (a scan of the log takes 4 MiB and gives them back), which only a long
// line can tell from growth; a thread's stack would be 8 KiB a cycle, a buffer 4 KiB. A directory that fills
// keeps more in memory while it is open, so a fresh one comes now and then.
TEST(cycles_leave_nothing_behind) {
    if (std::getenv("ONS_TEST_UNDER_TOOL") != nullptr) {
        return; // The memory of this process is that of a sanitizer or of valgrind then.
    }
    const int cycles = isWhole() ? 10000 : 100;
    const int cyclesPerDirectory = 500;
    const auto begun = std::chrono::steady_clock::now();
    std::unique_ptr<Directory> directory;
    Usage before = Usage();
    Growth heap;
    Growth resident;
    for (int round = 0; round < cycles; ++round) {
        if (round % cyclesPerDirectory == 0) {
            directory.reset(new Directory);
        }
        cycle(*directory);
        const Usage now = usage();
        if (round == cycles / 10) {
            before = now;
            before.threads = threadsOnceAtMost(1);
        }
        if (round > cycles / 10) {
            CHECK_NUMBER(threadsOnceAtMost(before.threads), before.threads);
            CHECK_NUMBER(now.descriptors, before.descriptors);
        }
        if (round >= cycles / 2) {
            heap.add(round, heapBytes());
            resident.add(round, 1024.0 * static_cast<double>(now.residentKib));
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::printf(
        "prove: cycles through C++: %d of open, send, consume, close in %.0f s; left behind: 0 threads, 0 "
        "descriptors, %.1f allocated and %.1f resident bytes a cycle, %ld KiB resident in the end\n",
        cycles, took.count(), heap.bytesACycle(), resident.bytesACycle(), usage().residentKib);
    CHECK(usage().residentKib < 65536);
    CHECK(heap.bytesACycle() < (isWhole() ? 16 : 2048));
    CHECK(!isWhole() || resident.bytesACycle() < 128);
}

// Each is watched for the end of the program, and what the C library keeps for that it never frees.
TEST(callbacks_made_for_one_send_each_leave_nothing_behind) {
    const int count = 10000;
    const int settled = 100;
    Directory directory;
    Producer *producer = world::newProducer(directory);
    Message refused("no topic!", "tag", "body");
    double before = 0;
    {
        std::vector<std::unique_ptr<world::Outcomes>> callbacks;
        for (int i = 0; i < count; ++i) {
            if (i == settled) {
                before = heapBytes();
            }
            callbacks.push_back(std::unique_ptr<world::Outcomes>(new world::Outcomes));
            producer->sendAsync(refused, callbacks.back().get());
            CHECK_NUMBER(callbacks.back()->failed.count(), 1);
        }
    }
    CHECK((heapBytes() - before) / count < 8);
    delete producer;
}

TEST(clients_of_several_directories_live_side_by_side) {
    Directory one;
    Directory two;
    world::Started<Producer> first(world::newProducer(one));
    world::Started<Producer> second(world::newProducer(two));
    world::Recorder recorder;
    PushConsumer *raw = world::newConsumer(two);
    raw->subscribe("topic", "*", &recorder);
    world::Started<PushConsumer> consumer(raw);
    Message message("topic", "tag", "in one");
    first->send(message);
    message.setBody("in two");
    second->send(message);
    CHECK(recorder.receives(1));
    CHECK_EQUAL(recorder.message(0).getMsgBody(), "in two");
}

TEST(a_client_deleted_all_the_same_shuts_itself_down) {
    Directory directory;
    const long threads = statusOf("Threads");
    Producer *producer = world::newProducer(directory);
    producer->start();
    Message message("topic", "tag", "body");
    producer->send(message);
    CHECK(statusOf("Threads") > threads);
    delete producer;
    CHECK_NUMBER(threadsOnceAtMost(threads), threads);
}
