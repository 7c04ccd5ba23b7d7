// Guards against: threads, descriptors or memory that stay behind when clients come and go.
#include <dirent.h>
#include <fstream>

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

Usage usage() {
    long descriptors = 0;
    DIR *open = opendir("/proc/self/fd");
    while (open != nullptr && readdir(open) != nullptr) {
        ++descriptors;
    }
    closedir(open);
    return Usage{statusOf("Threads"), descriptors, statusOf("VmRSS")};
}

void cycle(const Directory &directory) {
    world::Recorder recorder;
    Producer *producer = world::newProducer(directory);
    PushConsumer *consumer = world::newConsumer(directory);
    consumer->subscribe("topic", "*", &recorder);
    producer->start();
    consumer->start();
    Message message("topic", "tag", "body");
    producer->send(message);
    CHECK(recorder.receives(1));
    consumer->shutdown();
    producer->shutdown();
    CHECK_NUMBER(recorder.count(), 1);
}

} // namespace

TEST(a_hundred_cycles_leave_nothing_behind) {
    Directory directory;
    for (int round = 0; round < 20; ++round) {
        cycle(directory); // allocators and lazily made things settle
    }
    const Usage before = usage();
    for (int round = 0; round < 100; ++round) {
        cycle(directory);
    }
    const Usage after = usage();
    CHECK_NUMBER(after.threads, before.threads);
    CHECK_NUMBER(after.descriptors, before.descriptors);
    // A cycle that kept its two clients' working memory would keep far more than 20 KiB.
    if (after.residentKib - before.residentKib > 100 * 20) {
        harness::fail(__FILE__, __LINE__,
                      "resident memory grew from " + std::to_string(before.residentKib) + " to " +
                          std::to_string(after.residentKib) + " KiB in 100 cycles");
    }
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
    CHECK_NUMBER(statusOf("Threads"), threads);
}
