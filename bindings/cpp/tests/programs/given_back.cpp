// Looks into the directory argv[1] in which end_without_shutdown ran. Fails if a message of its group was
// given back: waits for a retry, or is a dead letter.
#include <cstdio>
#include <cstring>

#include "ONSFactory.h"

using namespace ons;

static const char group[] = "GID_end";

// 0 for a topic that was never made.
static long long backlog(const ons_broker *broker, const char *topic) {
    int64_t messages = 0;
    ons_error *error = nullptr;
    const ons_status status =
        ons_broker_backlog(broker, group, std::strlen(group), topic, std::strlen(topic), &messages, &error);
    ons_error_free(error);
    return status == ONS_OK ? messages : status == ONS_TOPIC_NOT_EXIST ? 0 : -1;
}

int main(int, char **argv) {
    ons_broker *broker = nullptr;
    if (ons_broker_open(argv[1], std::strlen(argv[1]), nullptr, ONS_CLOCK_MANUAL, &broker, nullptr) !=
        ONS_OK) {
        return 1;
    }
    int64_t timers = -1;
    ons_broker_statistic(broker, "timers_waiting", std::strlen("timers_waiting"), &timers, nullptr);
    const long long dead = backlog(broker, "%DLQ%GID_end");
    const long long retried = backlog(broker, "%RETRY%GID_end");
    const long long left = backlog(broker, "topic");
    std::printf("%lld wait for a retry, %lld to be tried again, %lld are dead letters; %lld are left\n",
                static_cast<long long>(timers), retried, dead, left);
    ons_broker_free(broker);
    return timers == 0 && dead == 0 && retried == 0 && left > 0 ? 0 : 1;
}
