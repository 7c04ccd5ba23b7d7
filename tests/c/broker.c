/* Guards against a manual clock that runs by itself, retries that come early, late or never, and numbers that
 * are off. */
#include "check.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#define JUNK_ACTION 42
#define SECONDS_MAX 20

static const char *dir;

struct attempts {
    struct counter calls;
    struct counter times_wrong;
};
#define ATTEMPTS_INIT                                                                                        \
    { COUNTER_INIT, COUNTER_INIT }

/* Consumed at the third attempt; the first answers a number that is no action. */
static ons_action at_third(void *user_data, ons_message *message) {
    struct attempts *attempts = (struct attempts *)user_data;
    long call = counter_value(&attempts->calls);
    int32_t times = -1;
    CHECK(ons_message_reconsume_times(message, &times, NULL) == ONS_OK);
    if (times != call) {
        counter_add(&attempts->times_wrong, 1);
    }
    counter_add(&attempts->calls, 1);
    return call == 0 ? (ons_action)JUNK_ACTION : call == 1 ? ONS_RECONSUME_LATER : ONS_COMMIT_MESSAGE;
}

static ons_broker *open_broker(ons_clock clock) {
    ons_broker *broker = NULL;
    OK(ons_broker_open(dir, strlen(dir), NULL, clock, &broker, &failure));
    return broker;
}

static ons_push_consumer *consumer_of(ons_message_listener listener, void *user_data) {
    ons_factory_property *settings = settings_of(dir);
    ons_push_consumer *consumer = NULL;
    OK(ons_factory_property_set(settings, TEXT("ConsumeThreadNums"), TEXT("1"), &failure));
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), listener, user_data, NULL, &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    return consumer;
}

/* A message that was given back waits in the timers; advancing is only useful once it is there. */
static void wait_for_timer(ons_broker *broker) {
    time_t deadline = time(NULL) + SECONDS_MAX;
    while (statistic(broker, "timers_waiting") == 0) {
        CHECK(time(NULL) < deadline);
        sched_yield();
    }
}

static void retries_follow_the_manual_clock(void) {
    static struct attempts attempts = ATTEMPTS_INIT;
    ons_broker *broker = open_broker(ONS_CLOCK_MANUAL);
    ons_producer *producer = started_producer(dir);
    ons_push_consumer *consumer = consumer_of(at_third, &attempts);
    int64_t backlog = -1;

    send_one(producer, "tag", "again");
    counter_wait_for(&attempts.calls, 1);
    wait_for_timer(broker);
    OK(ons_broker_advance_time(broker, 9999, &failure));
    CHECK(statistic(broker, "timers_waiting") == 1);
    CHECK(counter_value(&attempts.calls) == 1);
    OK(ons_broker_advance_time(broker, 1, &failure));
    counter_wait_for(&attempts.calls, 2);
    wait_for_timer(broker);
    OK(ons_broker_advance_time(broker, 30000, &failure));
    counter_wait_for(&attempts.calls, 3);
    CHECK(counter_value(&attempts.times_wrong) == 0);

    OK(ons_push_consumer_shutdown(consumer, &failure));
    OK(ons_broker_backlog(broker, TEXT("GID_test"), TEXT("test"), &backlog, &failure));
    CHECK(backlog == 0);
    send_one(producer, "tag", "nobody listens");
    OK(ons_broker_backlog(broker, TEXT("GID_test"), TEXT("test"), &backlog, &failure));
    CHECK(backlog == 1);
    ons_push_consumer_free(consumer);
    ons_producer_free(producer);
    ons_broker_free(broker);
}

static void numbers_are_told(void) {
    static const char *const names[] = {
        "messages_appended", "bytes_appended", "writes",         "syncs", "segments",
        "log_bytes",         "topics",         "timers_waiting", "groups"};
    ons_broker *broker = open_broker(ONS_CLOCK_SYSTEM);
    ons_producer *producer = started_producer(dir);
    long before = statistic(broker, "messages_appended");
    int64_t value;
    size_t i;
    send_one(producer, "tag", "one");
    send_one(producer, "tag", "two");
    CHECK(statistic(broker, "messages_appended") == before + 2);
    CHECK(statistic(broker, "syncs") > 0);
    CHECK(statistic(broker, "topics") > 0);
    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        CHECK(statistic(broker, names[i]) >= 0);
    }
    REFUSED(ONS_INVALID_ARGUMENT, "no_such_number",
            ons_broker_statistic(broker, TEXT("no_such_number"), &value, &failure));
    REFUSED(ONS_INVALID_STATE, "clock", ons_broker_advance_time(broker, 1, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "milliseconds is -1", ons_broker_advance_time(broker, -1, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "the limit of one call",
            ons_broker_advance_time(broker, INT64_MAX, &failure));
    ons_producer_free(producer);
    OK(ons_broker_close(broker, &failure));
    OK(ons_broker_close(broker, &failure));
    REFUSED(ONS_INVALID_STATE, "", ons_broker_statistic(broker, TEXT("syncs"), &value, &failure));
    ons_broker_free(broker);
}

static void who_joins_must_agree(void) {
    ons_factory_property *settings = NULL;
    ons_broker *broker = open_broker(ONS_CLOCK_SYSTEM);
    ons_broker *second = NULL;
    OK(ons_factory_property_new(&settings, &failure));
    OK(ons_factory_property_set(settings, TEXT("FlushDiskType"), TEXT("ASYNC_FLUSH"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "ASYNC_FLUSH",
            ons_broker_open(dir, strlen(dir), settings, ONS_CLOCK_SYSTEM, &second, &failure));
    CHECK(second == NULL);
    OK(ons_factory_property_set(settings, TEXT("FlushDiskType"), TEXT("SYNC_FLUSH"), &failure));
    OK(ons_broker_open(dir, strlen(dir), settings, ONS_CLOCK_SYSTEM, &second, &failure));
    ons_factory_property_free(settings);
    ons_broker_free(broker);
    CHECK(statistic(second, "topics") > 0);
    ons_broker_free(second);
}

static void null_is_refused_everywhere(void) {
    ons_broker *broker = open_broker(ONS_CLOCK_SYSTEM);
    ons_broker *none = NULL;
    int64_t value;
    REFUSED(ONS_NULL_ARGUMENT, "dir is NULL",
            ons_broker_open(NULL, 1, NULL, ONS_CLOCK_SYSTEM, &none, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "broker_out",
            ons_broker_open(dir, strlen(dir), NULL, ONS_CLOCK_SYSTEM, NULL, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "clock is 7",
            ons_broker_open(dir, strlen(dir), NULL, (ons_clock)7, &none, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "dir", ons_broker_open(NULL, 0, NULL, ONS_CLOCK_SYSTEM, &none, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "broker is NULL", ons_broker_advance_time(NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "broker is NULL", ons_broker_statistic(NULL, TEXT("syncs"), &value, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "name is NULL", ons_broker_statistic(broker, NULL, 1, &value, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_out", ons_broker_statistic(broker, TEXT("syncs"), NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "broker is NULL",
            ons_broker_backlog(NULL, TEXT("GID_test"), TEXT("test"), &value, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "group is NULL",
            ons_broker_backlog(broker, NULL, 1, TEXT("test"), &value, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "topic is NULL",
            ons_broker_backlog(broker, TEXT("GID_test"), NULL, 1, &value, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "messages_out",
            ons_broker_backlog(broker, TEXT("GID_test"), TEXT("test"), NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "broker is NULL", ons_broker_close(NULL, &failure));
    ons_broker_free(broker);
    ons_broker_free(NULL);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    dir = argv[1];
    retries_follow_the_manual_clock();
    numbers_are_told();
    who_joins_must_agree();
    null_is_refused_everywhere();
    return 0;
}
