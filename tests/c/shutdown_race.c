/* Guards against sends that hang, crash, are lost or are told twice when another thread shuts the client
   down. Usage: shutdown_race ROUNDS DIR */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 8
#define SEED_MULTIPLIER 1103515245UL

/* One round: what its senders and its listener did. */
struct round {
    ons_producer *producer;
    struct counter stored;
    struct counter accepted;
    struct counter destroyed;
    struct counter begun;
    struct counter received;
    struct counter over;
};

/* All that was ever told to be stored in the topic. */
static long stored_ever = 0;

static ons_action on_message(void *user_data, ons_message *message) {
    (void)message;
    counter_add(&((struct round *)user_data)->received, 1);
    return ONS_COMMIT_MESSAGE;
}

static void on_sent(void *user_data, const ons_send_result *result, const ons_error *error) {
    struct round *round = (struct round *)user_data;
    /* A send that was taken before the shutdown ends as if there were none. */
    CHECK(result != NULL && error == NULL);
    CHECK(counter_value(&round->over) == 0);
    counter_add(&round->stored, 1);
}

static void on_destroy(void *user_data) { counter_add(&((struct round *)user_data)->destroyed, 1); }

/* Whether the send was taken; a refusal says that the producer is not open and that nothing was stored. */
static int is_taken(ons_status status, ons_error *error) {
    ons_stored stored = ONS_STORED_UNKNOWN;
    if (status == ONS_OK) {
        CHECK(error == NULL);
        return 1;
    }
    CHECK(ons_error_stored(error, &stored) == ONS_OK);
    if (status != ONS_INVALID_STATE || stored != ONS_STORED_NO) {
        fprintf(stderr, "status %d, stored %d\n", (int)status, (int)stored);
    }
    CHECK(status == ONS_INVALID_STATE && stored == ONS_STORED_NO);
    ons_error_free(error);
    return 0;
}

static int send_blocked(struct round *round, ons_message *message) {
    ons_error *error = NULL;
    ons_status status = ons_producer_send(round->producer, message, NULL, &error);
    if (!is_taken(status, error)) {
        return 0;
    }
    counter_add(&round->stored, 1);
    return 1;
}

static int send_async(struct round *round, ons_message *message, int may_be_done) {
    ons_error *error = NULL;
    ons_send_result *result = NULL;
    int32_t is_done = 0;
    ons_status status =
        ons_producer_send_async(round->producer, message, on_sent, round, on_destroy,
                                may_be_done ? &is_done : NULL, may_be_done ? &result : NULL, &error);
    /* Destroyed in every case. */
    counter_add(&round->accepted, 1);
    if (!is_taken(status, error)) {
        return 0;
    }
    if (is_done) {
        ons_send_result_free(result);
        counter_add(&round->stored, 1);
    }
    return 1;
}

static void *send_until_refused(void *argument) {
    struct round *round = (struct round *)argument;
    ons_message *message = message_of("tag", "body");
    int kind;
    int goes_on = 1;
    for (kind = 0; goes_on; kind++) {
        counter_add(&round->begun, 1);
        goes_on = kind % 3 == 0 ? send_blocked(round, message) : send_async(round, message, kind % 3 == 1);
    }
    ons_message_free(message);
    return NULL;
}

static ons_factory_property *unsynced(const char *dir) {
    ons_factory_property *settings = settings_of(dir);
    OK(ons_factory_property_set(settings, TEXT("FlushDiskType"), TEXT("ASYNC_FLUSH"), &failure));
    OK(ons_factory_property_set(settings, TEXT("ConsumeThreadNums"), TEXT("2"), &failure));
    /* No outcome of this test is a question of time. */
    OK(ons_factory_property_set(settings, TEXT("SendMsgTimeoutMillis"), TEXT("60000"), &failure));
    return settings;
}

/* The last client to go closes the broker while the senders still try: the producer, or the consumer. */
static void run(const char *dir, unsigned long chance) {
    static const struct counter none = COUNTER_INIT;
    static struct round round;
    ons_factory_property *settings = unsynced(dir);
    ons_push_consumer *consumer = NULL;
    pthread_t senders[THREADS];
    int i;
    round.stored = round.accepted = round.destroyed = round.begun = round.received = round.over = none;
    OK(ons_producer_new(settings, &round.producer, &failure));
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), on_message, &round, NULL, &failure));
    OK(ons_producer_start(round.producer, &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&senders[i], NULL, send_until_refused, &round) == 0);
    }
    counter_wait_for(&round.begun, (long)(chance / 2 % 400));
    if (chance % 2 == 0) {
        OK(ons_push_consumer_shutdown(consumer, &failure));
    }
    OK(ons_producer_shutdown(round.producer, &failure));
    /* No callback comes any more. */
    counter_add(&round.over, 1);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(senders[i], NULL) == 0);
    }
    stored_ever += counter_value(&round.stored);
    CHECK(counter_value(&round.accepted) == counter_value(&round.destroyed));
    OK(ons_push_consumer_shutdown(consumer, &failure));
    ons_push_consumer_free(consumer);
    ons_producer_free(round.producer);
}

/* As many are there as were told to be. */
static void compare_with_log(const char *dir) {
    ons_factory_property *settings = unsynced(dir);
    ons_broker *broker = NULL;
    int64_t stored = -1;
    OK(ons_broker_open(dir, strlen(dir), settings, ONS_CLOCK_SYSTEM, &broker, &failure));
    OK(ons_broker_backlog(broker, TEXT("GID_never_here"), TEXT("test"), &stored, &failure));
    if (stored != stored_ever) {
        fprintf(stderr, "told: %ld, stored: %ld\n", stored_ever, (long)stored);
    }
    CHECK(stored == stored_ever);
    ons_broker_free(broker);
    ons_factory_property_free(settings);
}

int main(int argc, char **argv) {
    unsigned long seed = (unsigned long)time(NULL);
    unsigned long chance = seed;
    long rounds;
    long i;
    CHECK(argc == 3);
    rounds = strtol(argv[1], NULL, 10);
    for (i = 0; i < rounds; i++) {
        chance = (chance * SEED_MULTIPLIER + 12345UL) & 0x7fffffffUL;
        run(argv[2], chance >> 8);
    }
    compare_with_log(argv[2]);
    printf("prove: shutdown against sends in C: %ld rounds with %d threads (seed %lu), %ld sends told as "
           "stored, "
           "as many in the log, 0 told twice, 0 hung\n",
           rounds, THREADS, seed, stored_ever);
    return 0;
}
