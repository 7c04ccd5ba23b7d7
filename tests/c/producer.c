/* Guards against sends that lie about their outcome: answered twice, never, or inside the call; and against
   clients that crash or hang when used out of turn. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#define SENDS 500
#define BODY_BYTES_MAX (4 << 20)

static const char *dir;

/* The context of one asynchronous send. */
struct pending {
    ons_producer *producer;
    int is_inside_call;
    int answers;
    int destroys;
};

static struct counter answered = COUNTER_INIT;
static struct counter destroyed = COUNTER_INIT;

static void on_sent(void *user_data, const ons_send_result *result, const ons_error *error) {
    struct pending *pending = (struct pending *)user_data;
    const char *text = NULL;
    size_t len = 0;
    CHECK(!pending->is_inside_call);
    CHECK(result != NULL && error == NULL);
    CHECK(pending->destroys == 0);
    CHECK(ons_send_result_message_id(result, &text, &len, NULL) == ONS_OK && len > 0);
    /* Borrowed: ignored. */
    ons_send_result_free((ons_send_result *)result);
    CHECK(ons_send_result_message_id(result, &text, &len, NULL) == ONS_OK && len > 0);
    pending->answers++;
    counter_add(&answered, 1);
}

static void on_destroy(void *user_data) {
    struct pending *pending = (struct pending *)user_data;
    pending->destroys++;
    counter_add(&destroyed, 1);
}

static void outcomes_are_told_once(ons_producer *producer, int may_be_done) {
    static struct pending pending[SENDS];
    static int is_done_of[SENDS];
    long answered_before = counter_value(&answered);
    long destroyed_before = counter_value(&destroyed);
    long expected = 0;
    int i;
    memset(pending, 0, sizeof(pending));
    for (i = 0; i < SENDS; i++) {
        ons_message *message = message_of("async", "body");
        ons_send_result *result = NULL;
        const char *id = NULL;
        size_t id_len = 0;
        int32_t is_done = 0;
        OK(ons_producer_send_async(producer, message, on_sent, &pending[i], on_destroy,
                                   may_be_done ? &is_done : NULL, may_be_done ? &result : NULL, &failure));
        OK(ons_message_message_id(message, &id, &id_len, &failure));
        CHECK(id_len > 0);
        ons_message_free(message);
        CHECK(is_done == (result != NULL));
        is_done_of[i] = (int)is_done;
        expected += !is_done;
        ons_send_result_free(result);
    }
    counter_wait_for(&answered, answered_before + expected);
    counter_wait_for(&destroyed, destroyed_before + SENDS);
    for (i = 0; i < SENDS; i++) {
        CHECK(pending[i].answers == !is_done_of[i]);
        CHECK(pending[i].destroys == 1);
    }
}

/* Failing at once: no callback, one destroy. */
static void refused_sends_destroy_once(ons_producer *producer) {
    struct pending pending = {NULL, 1, 0, 0};
    ons_message *empty = message_of("tag", "");
    ons_message *message = message_of("tag", "body");
    ons_send_result *result = NULL;
    int32_t is_done = 0;
    REFUSED(ONS_INVALID_ARGUMENT, "body",
            ons_producer_send_async(producer, empty, on_sent, &pending, on_destroy, NULL, NULL, &failure));
    CHECK(pending.destroys == 1);
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL",
            ons_producer_send_async(NULL, message, on_sent, &pending, on_destroy, NULL, NULL, &failure));
    CHECK(pending.destroys == 2);
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL",
            ons_producer_send_async(producer, NULL, on_sent, &pending, on_destroy, NULL, NULL, &failure));
    CHECK(pending.destroys == 3);
    REFUSED(ONS_NULL_ARGUMENT, "callback is NULL",
            ons_producer_send_async(producer, message, NULL, &pending, on_destroy, NULL, NULL, &failure));
    CHECK(pending.destroys == 4);
    REFUSED(
        ONS_NULL_ARGUMENT, "result_out is NULL",
        ons_producer_send_async(producer, message, on_sent, &pending, on_destroy, &is_done, NULL, &failure));
    CHECK(pending.destroys == 5);
    REFUSED(
        ONS_NULL_ARGUMENT, "is_done_out is NULL",
        ons_producer_send_async(producer, message, on_sent, &pending, on_destroy, NULL, &result, &failure));
    CHECK(pending.destroys == 6 && pending.answers == 0);
    ons_message_free(message);
    ons_message_free(empty);
}

static void on_sent_shut_down(void *user_data, const ons_send_result *result, const ons_error *error) {
    ons_producer *producer = (ons_producer *)user_data;
    CHECK(result != NULL && error == NULL);
    CHECK(ons_producer_shutdown(producer, NULL) == ONS_INVALID_STATE);
    counter_add(&answered, 1);
}

static void shutdown_inside_a_callback_is_refused(ons_producer *producer) {
    ons_message *message = message_of("tag", "body");
    long before = counter_value(&answered);
    OK(ons_producer_send_async(producer, message, on_sent_shut_down, producer, NULL, NULL, NULL, &failure));
    counter_wait_for(&answered, before + 1);
    ons_message_free(message);
    send_one(producer, "tag", "still sends");
}

static void bad_messages_are_refused(ons_producer *producer) {
    ons_message *message = message_of("tag", "");
    uint8_t *big = (uint8_t *)calloc(BODY_BYTES_MAX + 1, 1);
    CHECK(big != NULL);
    REFUSED(ONS_INVALID_ARGUMENT, "body", ons_producer_send(producer, message, NULL, &failure));
    OK(ons_message_set_body(message, big, BODY_BYTES_MAX + 1, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "4194304", ons_producer_send(producer, message, NULL, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "4194304", ons_producer_send_oneway(producer, message, &failure));
    OK(ons_message_set_body(message, big, BODY_BYTES_MAX, &failure));
    OK(ons_producer_send(producer, message, NULL, &failure));
    OK(ons_message_set_topic(message, TEXT("no spaces please"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "no spaces please", ons_producer_send(producer, message, NULL, &failure));
    OK(ons_message_set_topic(message, TEXT(""), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "topic", ons_producer_send(producer, message, NULL, &failure));
    free(big);
    ons_message_free(message);
}

static void null_is_refused_everywhere(ons_producer *producer) {
    ons_factory_property *settings = settings_of(dir);
    ons_producer *none = NULL;
    ons_message *message = message_of("tag", "body");
    int32_t flag;
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL", ons_producer_new(NULL, &none, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer_out", ons_producer_new(settings, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL", ons_producer_start(NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL", ons_producer_send(NULL, message, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_producer_send(producer, NULL, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL", ons_producer_send_oneway(NULL, message, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_producer_send_oneway(producer, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL", ons_producer_is_started(NULL, &flag, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "is_started_out", ons_producer_is_started(producer, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL", ons_producer_is_closed(NULL, &flag, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "is_closed_out", ons_producer_is_closed(producer, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "producer is NULL", ons_producer_shutdown(NULL, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "not a live ons_producer",
            ons_producer_shutdown((ons_producer *)message, &failure));
    ons_producer_free(NULL);
    ons_message_free(message);
    ons_factory_property_free(settings);
}

static void what_is_not_there_is_refused_at_once(void) {
    ons_factory_property *settings = NULL;
    ons_producer *producer = NULL;
    OK(ons_factory_property_new(&settings, &failure));
    OK(ons_factory_property_set(settings, TEXT("ProducerId"), TEXT("GID_test"), &failure));
    OK(ons_factory_property_set(settings, TEXT("NAMESRV_ADDR"), TEXT("127.0.0.1:9876"), &failure));
    REFUSED(ONS_NOT_SUPPORTED, "NAMESRV_ADDR", ons_producer_new(settings, &producer, &failure));
    CHECK(producer == NULL);
    ons_factory_property_free(settings);
}

static void states_are_told(void) {
    ons_factory_property *settings = settings_of(dir);
    ons_producer *producer = NULL;
    ons_message *message = message_of("tag", "body");
    struct pending pending = {NULL, 1, 0, 0};
    int32_t flag = -1;
    OK(ons_producer_new(settings, &producer, &failure));
    ons_factory_property_free(settings);
    REFUSED(ONS_INVALID_STATE, "start", ons_producer_send(producer, message, NULL, &failure));
    REFUSED(ONS_INVALID_STATE, "start",
            ons_producer_send_async(producer, message, on_sent, &pending, on_destroy, NULL, NULL, &failure));
    CHECK(pending.destroys == 1);
    OK(ons_producer_is_started(producer, &flag, &failure));
    CHECK(flag == 0);
    OK(ons_producer_start(producer, &failure));
    OK(ons_producer_start(producer, &failure));
    OK(ons_producer_is_started(producer, &flag, &failure));
    CHECK(flag == 1);
    OK(ons_producer_is_closed(producer, &flag, &failure));
    CHECK(flag == 0);
    OK(ons_producer_send(producer, message, NULL, &failure));
    OK(ons_producer_send_oneway(producer, message, &failure));
    OK(ons_producer_shutdown(producer, &failure));
    OK(ons_producer_shutdown(producer, &failure));
    OK(ons_producer_is_closed(producer, &flag, &failure));
    CHECK(flag == 1);
    REFUSED(ONS_INVALID_STATE, "", ons_producer_send(producer, message, NULL, &failure));
    REFUSED(ONS_INVALID_STATE, "", ons_producer_send_oneway(producer, message, &failure));
    REFUSED(ONS_INVALID_STATE, "",
            ons_producer_send_async(producer, message, on_sent, &pending, on_destroy, NULL, NULL, &failure));
    CHECK(pending.destroys == 2 && pending.answers == 0);
    REFUSED(ONS_INVALID_STATE, "", ons_producer_start(producer, &failure));
    ons_message_free(message);
    ons_producer_free(producer);
}

/* Shutdown waits for what is pending: no answer is lost, none comes after it. */
static void shutdown_answers_what_is_pending(void) {
    static struct pending pending[SENDS];
    ons_producer *producer = started_producer(dir);
    long before = counter_value(&answered);
    int i;
    for (i = 0; i < SENDS; i++) {
        ons_message *message = message_of("async", "body");
        OK(ons_producer_send_async(producer, message, on_sent, &pending[i], on_destroy, NULL, NULL,
                                   &failure));
        ons_message_free(message);
    }
    OK(ons_producer_shutdown(producer, &failure));
    CHECK(counter_value(&answered) == before + SENDS);
    for (i = 0; i < SENDS; i++) {
        CHECK(pending[i].answers == 1 && pending[i].destroys == 1);
    }
    ons_producer_free(producer);
}

static void on_sent_free(void *user_data, const ons_send_result *result, const ons_error *error) {
    CHECK(result != NULL && error == NULL);
    ons_producer_free((ons_producer *)user_data);
    counter_add(&answered, 1);
}

static void a_callback_may_free_its_producer(void) {
    ons_producer *producer = started_producer(dir);
    ons_message *message = message_of("tag", "body");
    long before = counter_value(&answered);
    OK(ons_producer_send_async(producer, message, on_sent_free, producer, NULL, NULL, NULL, &failure));
    counter_wait_for(&answered, before + 1);
    ons_message_free(message);
}

/* Asynchronous sends that one thread may have under way if it shares its part with no other, and what the
   callback thread takes in hand at once. */
#define SENDS_OF_A_THREAD_MAX 16384
#define CALLBACKS_IN_HAND_MAX 64

static struct counter gate = COUNTER_INIT;

static void on_sent_wait(void *user_data, const ons_send_result *result, const ons_error *error) {
    CHECK(user_data == NULL && (result == NULL) != (error == NULL));
    counter_wait_for(&gate, 1);
    counter_add(&answered, 1);
}

/* They hold up the senders, and do not fill the memory; nothing is lost by it. */
static void callbacks_that_stand_still_hold_up_the_senders(void) {
    ons_factory_property *settings = settings_of(dir);
    ons_producer *producer = NULL;
    ons_message *message = message_of("tag", "body");
    ons_stored stored = ONS_STORED_UNKNOWN;
    long before = counter_value(&answered);
    long sends = 0;
    ons_status status;
    OK(ons_factory_property_set(settings, TEXT("SendMsgTimeoutMillis"), TEXT("500"), &failure));
    OK(ons_producer_new(settings, &producer, &failure));
    ons_factory_property_free(settings);
    OK(ons_producer_start(producer, &failure));
    while ((status = ons_producer_send_async(producer, message, on_sent_wait, NULL, NULL, NULL, NULL,
                                             &failure)) == ONS_OK) {
        sends++;
        CHECK(sends <= SENDS_OF_A_THREAD_MAX + CALLBACKS_IN_HAND_MAX);
    }
    CHECK(sends >= SENDS_OF_A_THREAD_MAX);
    CHECK(ons_error_stored(failure, &stored) == ONS_OK && stored == ONS_STORED_NO);
    REFUSED(ONS_TIMEOUT, "16384 asynchronous sends", status);

    counter_add(&gate, 1);
    OK(ons_producer_send_async(producer, message, on_sent_wait, NULL, NULL, NULL, NULL, &failure));
    OK(ons_producer_shutdown(producer, &failure));
    CHECK(counter_value(&answered) == before + sends + 1);
    ons_message_free(message);
    ons_producer_free(producer);
}

#define THREADS 4

static void *send_until_closed(void *user_data) {
    ons_producer *producer = (ons_producer *)user_data;
    ons_message *message = message_of("tag", "body");
    ons_status status = ONS_OK;
    while (status == ONS_OK) {
        status = ons_producer_send(producer, message, NULL, NULL);
        counter_add(&answered, 1);
    }
    ons_message_free(message);
    CHECK(status == ONS_INVALID_STATE);
    return NULL;
}

/* A send is done or refused; it never finds a producer half gone. */
static void shutdown_while_others_send(void) {
    ons_producer *producer = started_producer(dir);
    pthread_t threads[THREADS];
    long before = counter_value(&answered);
    int i;
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, send_until_closed, producer) == 0);
    }
    counter_wait_for(&answered, before + SENDS);
    OK(ons_producer_shutdown(producer, &failure));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    ons_producer_free(producer);
}

int main(int argc, char **argv) {
    ons_producer *producer;
    CHECK(argc == 2);
    dir = argv[1];
    what_is_not_there_is_refused_at_once();
    states_are_told();
    producer = started_producer(dir);
    null_is_refused_everywhere(producer);
    bad_messages_are_refused(producer);
    outcomes_are_told_once(producer, 1);
    outcomes_are_told_once(producer, 0);
    refused_sends_destroy_once(producer);
    shutdown_inside_a_callback_is_refused(producer);
    ons_producer_free(producer);
    shutdown_answers_what_is_pending();
    a_callback_may_free_its_producer();
    callbacks_that_stand_still_hold_up_the_senders();
    shutdown_while_others_send();
    return 0;
}
