/* Guards against messages lost or doubled on the way to a listener, and against listeners used after their
 * destroy. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGES 200

static const char *dir;

/* What a listener saw. */
struct listener {
    struct counter calls;
    struct counter destroyed;
    pthread_mutex_t mutex;
    int seen[MESSAGES];
    ons_push_consumer *consumer;
    ons_producer *producer;
    ons_message *kept;
};
#define LISTENER_INIT                                                                                        \
    { COUNTER_INIT, COUNTER_INIT, PTHREAD_MUTEX_INITIALIZER, {0}, NULL, NULL, NULL }

static void on_destroy(void *user_data) { counter_add(&((struct listener *)user_data)->destroyed, 1); }

static ons_action on_message(void *user_data, ons_message *message) {
    struct listener *listener = (struct listener *)user_data;
    const uint8_t *body = NULL;
    const char *text = NULL;
    size_t len = 0;
    int64_t number = 0;
    char digits[16];
    int i;
    CHECK(counter_value(&listener->destroyed) == 0);
    CHECK(ons_message_topic(message, &text, &len, NULL) == ONS_OK);
    SAME("test", text, len);
    CHECK(ons_message_message_id(message, &text, &len, NULL) == ONS_OK && len > 0);
    CHECK(ons_message_store_timestamp(message, &number, NULL) == ONS_OK && number > 0);
    CHECK(ons_message_born_timestamp(message, &number, NULL) == ONS_OK && number > 0);
    CHECK(ons_message_body(message, &body, &len, NULL) == ONS_OK && len < sizeof(digits));
    memcpy(digits, body, len);
    digits[len] = '\0';
    i = atoi(digits);
    CHECK(i >= 0 && i < MESSAGES);
    pthread_mutex_lock(&listener->mutex);
    listener->seen[i]++;
    pthread_mutex_unlock(&listener->mutex);
    /* Borrowed: ignored. */
    ons_message_free(message);
    CHECK(ons_message_body(message, &body, &len, NULL) == ONS_OK);
    counter_add(&listener->calls, 1);
    return ONS_COMMIT_MESSAGE;
}

static ons_action keep_first(void *user_data, ons_message *message) {
    struct listener *listener = (struct listener *)user_data;
    const uint8_t *body = NULL;
    const uint8_t *kept = NULL;
    size_t len = 0;
    pthread_mutex_lock(&listener->mutex);
    if (listener->kept == NULL) {
        CHECK(ons_message_clone(message, &listener->kept, NULL) == ONS_OK);
        /* It does not keep the memory that the message was read in. */
        CHECK(ons_message_body(message, &body, &len, NULL) == ONS_OK);
        CHECK(ons_message_body(listener->kept, &kept, &len, NULL) == ONS_OK && kept != body);
    }
    pthread_mutex_unlock(&listener->mutex);
    counter_add(&listener->calls, 1);
    return ONS_COMMIT_MESSAGE;
}

static ons_action shut_down_inside(void *user_data, ons_message *message) {
    struct listener *listener = (struct listener *)user_data;
    ons_error *error = NULL;
    ons_status status = ONS_OK;
    (void)message;
    CHECK(ons_push_consumer_shutdown(listener->consumer, &error) == ONS_INVALID_STATE);
    CHECK(ons_error_status(error, &status) == ONS_OK && status == ONS_INVALID_STATE);
    ons_error_free(error);
    counter_add(&listener->calls, 1);
    return ONS_COMMIT_MESSAGE;
}

static ons_push_consumer *new_consumer(const char *group) {
    ons_factory_property *settings = settings_of(dir);
    ons_push_consumer *consumer = NULL;
    OK(ons_factory_property_set(settings, TEXT("ConsumerId"), group, strlen(group), &failure));
    OK(ons_factory_property_set(settings, TEXT("ConsumeThreadNums"), TEXT("4"), &failure));
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
    return consumer;
}

static void send_numbers(ons_producer *producer, const char *tag, int from, int to) {
    char digits[16];
    int i;
    for (i = from; i < to; i++) {
        int at = 15;
        int rest = i;
        digits[at] = '\0';
        do {
            digits[--at] = (char)('0' + rest % 10);
            rest /= 10;
        } while (rest > 0);
        send_one(producer, tag, digits + at);
    }
}

static void every_message_comes_once(ons_producer *producer) {
    static struct listener listener = LISTENER_INIT;
    ons_push_consumer *consumer = new_consumer("GID_all");
    int i;
    /* Half of them before the group exists: a new group begins at the oldest message. */
    send_numbers(producer, "a", 0, MESSAGES / 2);
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), on_message, &listener, on_destroy,
                                   &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    send_numbers(producer, "b", MESSAGES / 2, MESSAGES);
    counter_wait_for(&listener.calls, MESSAGES);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    CHECK(counter_value(&listener.destroyed) == 1);
    CHECK(counter_value(&listener.calls) == MESSAGES);
    for (i = 0; i < MESSAGES; i++) {
        CHECK(listener.seen[i] == 1);
    }
    OK(ons_push_consumer_shutdown(consumer, &failure));
    ons_push_consumer_free(consumer);
    CHECK(counter_value(&listener.destroyed) == 1);
}

/* The offsets were committed: the group goes on where it was, and only with the tags it wants. */
static void a_group_goes_on_and_filters(ons_producer *producer) {
    static struct listener listener = LISTENER_INIT;
    ons_push_consumer *consumer = new_consumer("GID_all");
    int i;
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("x || y"), on_message, &listener, on_destroy,
                                   &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    send_numbers(producer, "z", 0, 10);
    send_numbers(producer, "y", 10, 20);
    send_numbers(producer, "x", 20, 30);
    counter_wait_for(&listener.calls, 20);
    ons_push_consumer_free(consumer);
    CHECK(counter_value(&listener.destroyed) == 1);
    for (i = 0; i < MESSAGES; i++) {
        CHECK(listener.seen[i] == (i >= 10 && i < 30));
    }
}

static void destroy_runs_once_on_every_path(void) {
    static struct listener replaced = LISTENER_INIT;
    static struct listener unsubscribed = LISTENER_INIT;
    static struct listener never_started = LISTENER_INIT;
    static struct listener refused = LISTENER_INIT;
    ons_push_consumer *consumer = new_consumer("GID_destroy");
    REFUSED(ONS_NULL_ARGUMENT, "consumer is NULL",
            ons_push_consumer_subscribe(NULL, TEXT("test"), TEXT("*"), on_message, &refused, on_destroy,
                                        &failure));
    REFUSED(ONS_NULL_ARGUMENT, "topic is NULL",
            ons_push_consumer_subscribe(consumer, NULL, 1, TEXT("*"), on_message, &refused, on_destroy,
                                        &failure));
    REFUSED(ONS_NULL_ARGUMENT, "expression is NULL",
            ons_push_consumer_subscribe(consumer, TEXT("test"), NULL, 1, on_message, &refused, on_destroy,
                                        &failure));
    REFUSED(
        ONS_NULL_ARGUMENT, "listener is NULL",
        ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), NULL, &refused, on_destroy, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "no spaces please",
            ons_push_consumer_subscribe(consumer, TEXT("no spaces please"), TEXT("*"), on_message, &refused,
                                        on_destroy, &failure));
    CHECK(counter_value(&refused.destroyed) == 5);

    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("none"), on_message, &replaced, on_destroy,
                                   &failure));
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("none"), on_message, &unsubscribed,
                                   on_destroy, &failure));
    CHECK(counter_value(&replaced.destroyed) == 1);
    OK(ons_push_consumer_start(consumer, &failure));
    OK(ons_push_consumer_unsubscribe(consumer, TEXT("test"), &failure));
    counter_wait_for(&unsubscribed.destroyed, 1);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    REFUSED(ONS_INVALID_STATE, "",
            ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), on_message, &refused, on_destroy,
                                        &failure));
    CHECK(counter_value(&refused.destroyed) == 6);
    ons_push_consumer_free(consumer);

    consumer = new_consumer("GID_destroy");
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), on_message, &never_started, on_destroy,
                                   &failure));
    ons_push_consumer_free(consumer);
    CHECK(counter_value(&never_started.destroyed) == 1);
    CHECK(counter_value(&replaced.destroyed) == 1);
    CHECK(counter_value(&unsubscribed.destroyed) == 1);
}

static void a_copy_outlives_its_consumer(void) {
    static struct listener listener = LISTENER_INIT;
    ons_factory_property *settings = settings_of(dir);
    ons_push_consumer *consumer = NULL;
    const uint8_t *body = NULL;
    size_t len = 0;
    OK(ons_factory_property_set(settings, TEXT("ConsumerId"), TEXT("GID_copy"), &failure));
    OK(ons_factory_property_set(settings, TEXT("ConsumeThreadNums"), TEXT("1"), &failure));
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), keep_first, &listener, on_destroy,
                                   &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    counter_wait_for(&listener.calls, 1);
    ons_push_consumer_free(consumer);
    OK(ons_message_body(listener.kept, &body, &len, &failure));
    CHECK(len > 0 && body[0] >= '0' && body[0] <= '9');
    ons_message_free(listener.kept);
}

static void shutdown_inside_a_listener_is_refused(void) {
    static struct listener listener = LISTENER_INIT;
    ons_push_consumer *consumer = new_consumer("GID_inside");
    listener.consumer = consumer;
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), shut_down_inside, &listener, on_destroy,
                                   &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    counter_wait_for(&listener.calls, MESSAGES);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    ons_push_consumer_free(consumer);
    CHECK(counter_value(&listener.destroyed) == 1);
}

/* Leaves the message three times; each time it comes as if for the first. */
static ons_action leave_at_first(void *user_data, ons_message *message) {
    struct listener *listener = (struct listener *)user_data;
    int32_t times = -1;
    CHECK(ons_message_reconsume_times(message, &times, NULL) == ONS_OK && times == 0);
    counter_add(&listener->calls, 1);
    return counter_value(&listener->calls) <= 3 ? ONS_LEAVE_MESSAGE : ONS_COMMIT_MESSAGE;
}

static void a_message_that_is_left_uses_up_no_attempt(ons_producer *producer) {
    static struct listener listener = LISTENER_INIT;
    ons_push_consumer *consumer = new_consumer("GID_leave");
    ons_message *message = message_of("a", "left");
    OK(ons_message_set_topic(message, TEXT("left"), &failure));
    OK(ons_producer_send(producer, message, NULL, &failure));
    ons_message_free(message);
    OK(ons_push_consumer_subscribe(consumer, TEXT("left"), TEXT("*"), leave_at_first, &listener, on_destroy,
                                   &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    counter_wait_for(&listener.calls, 4);
    ons_push_consumer_free(consumer);
    CHECK(counter_value(&listener.calls) == 4);
}

/* Sends on, subscribes and frees its own consumer at the first message. */
static ons_action free_inside(void *user_data, ons_message *message) {
    struct listener *listener = (struct listener *)user_data;
    (void)message;
    if (listener->consumer != NULL) {
        ons_message *answer = message_of("answer", "0");
        CHECK(ons_message_set_topic(answer, TEXT("answers"), NULL) == ONS_OK);
        CHECK(ons_producer_send(listener->producer, answer, NULL, NULL) == ONS_OK);
        ons_message_free(answer);
        CHECK(ons_push_consumer_subscribe(listener->consumer, TEXT("answers"), TEXT("*"), free_inside,
                                          listener, NULL, NULL) == ONS_OK);
        ons_push_consumer_free(listener->consumer);
        listener->consumer = NULL;
    }
    counter_add(&listener->calls, 1);
    return ONS_COMMIT_MESSAGE;
}

static void a_listener_may_send_subscribe_and_free(ons_producer *producer) {
    static struct listener listener = LISTENER_INIT;
    ons_factory_property *settings = settings_of(dir);
    OK(ons_factory_property_set(settings, TEXT("ConsumerId"), TEXT("GID_free"), &failure));
    OK(ons_factory_property_set(settings, TEXT("ConsumeThreadNums"), TEXT("1"), &failure));
    listener.producer = producer;
    OK(ons_push_consumer_new(settings, &listener.consumer, &failure));
    ons_factory_property_free(settings);
    OK(ons_push_consumer_subscribe(listener.consumer, TEXT("test"), TEXT("*"), free_inside, &listener,
                                   on_destroy, &failure));
    OK(ons_push_consumer_start(listener.consumer, &failure));
    counter_wait_for(&listener.destroyed, 1);
    CHECK(counter_value(&listener.calls) >= 1);
}

static void null_and_states(void) {
    ons_factory_property *settings = settings_of(dir);
    ons_push_consumer *consumer = NULL;
    int32_t flag = -1;
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL", ons_push_consumer_new(NULL, &consumer, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "consumer_out", ons_push_consumer_new(settings, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "consumer is NULL",
            ons_push_consumer_unsubscribe(NULL, TEXT("test"), &failure));
    REFUSED(ONS_NULL_ARGUMENT, "consumer is NULL", ons_push_consumer_start(NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "consumer is NULL", ons_push_consumer_is_started(NULL, &flag, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "consumer is NULL", ons_push_consumer_is_closed(NULL, &flag, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "consumer is NULL", ons_push_consumer_shutdown(NULL, &failure));
    ons_push_consumer_free(NULL);

    OK(ons_factory_property_set(settings, TEXT("MessageModel"), TEXT("BROADCASTING"), &failure));
    REFUSED(ONS_NOT_SUPPORTED, "BROADCASTING", ons_push_consumer_new(settings, &consumer, &failure));
    CHECK(consumer == NULL);
    ons_factory_property_free(settings);

    consumer = new_consumer("GID_states");
    REFUSED(ONS_NULL_ARGUMENT, "topic is NULL", ons_push_consumer_unsubscribe(consumer, NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "is_started_out", ons_push_consumer_is_started(consumer, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "is_closed_out", ons_push_consumer_is_closed(consumer, NULL, &failure));
    OK(ons_push_consumer_is_started(consumer, &flag, &failure));
    CHECK(flag == 0);
    OK(ons_push_consumer_start(consumer, &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    OK(ons_push_consumer_is_started(consumer, &flag, &failure));
    CHECK(flag == 1);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    OK(ons_push_consumer_shutdown(consumer, &failure));
    OK(ons_push_consumer_is_closed(consumer, &flag, &failure));
    CHECK(flag == 1);
    REFUSED(ONS_INVALID_STATE, "", ons_push_consumer_start(consumer, &failure));
    REFUSED(ONS_INVALID_STATE, "", ons_push_consumer_unsubscribe(consumer, TEXT("test"), &failure));
    ons_push_consumer_free(consumer);
}

int main(int argc, char **argv) {
    ons_producer *producer;
    CHECK(argc == 2);
    dir = argv[1];
    null_and_states();
    producer = started_producer(dir);
    every_message_comes_once(producer);
    a_group_goes_on_and_filters(producer);
    destroy_runs_once_on_every_path();
    a_copy_outlives_its_consumer();
    shutdown_inside_a_listener_is_refused();
    a_message_that_is_left_uses_up_no_attempt(producer);
    a_listener_may_send_subscribe_and_free(producer);
    ons_producer_free(producer);
    return 0;
}
