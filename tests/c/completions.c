/* Guards against outcomes of collected sends that are told twice, never, or after nobody can hear them; and
   against a reader that is woken for each of them. */
#include "check.h"

#include <string.h>

#define SENDS 500
#define ROOM 64
#define ID_LEN 32

static const char *dir;
static struct counter woken = COUNTER_INIT;

static void on_ready(void *user_data) { counter_add((struct counter *)user_data, 1); }

static void on_ready_ignored(void *user_data) { (void)user_data; }

/* What is known of one send. */
struct sent {
    char id[ID_LEN];
    int outcomes;
};

static struct sent sents[SENDS];

static void take_all(ons_completions *completions) {
    static uint64_t tokens[ROOM];
    static char ids[ROOM * ID_LEN];
    static int32_t queue_ids[ROOM];
    static int64_t offsets[ROOM];
    static ons_error *errors[ROOM];
    size_t count;
    size_t i;
    do {
        OK(ons_completions_take(completions, ROOM, tokens, ids, queue_ids, offsets, errors, &count,
                                &failure));
        CHECK(count <= ROOM);
        for (i = 0; i < count; i++) {
            struct sent *sent = &sents[tokens[i]];
            CHECK(tokens[i] < SENDS && errors[i] == NULL);
            CHECK(queue_ids[i] >= 0 && offsets[i] >= 0);
            CHECK(memcmp(sent->id, ids + i * ID_LEN, ID_LEN) == 0);
            sent->outcomes++;
        }
    } while (count != 0);
}

/* Every other one of its parts, the others of a message. */
static int send_collected(ons_producer *producer, ons_completions *completions, size_t token) {
    int32_t is_done = -1;
    int32_t queue_id = -1;
    int64_t offset = -1;
    char *id = sents[token].id;
    if (token % 2 == 0) {
        OK(ons_producer_send_parts_collected(producer, TEXT("test"), TEXT("tag"), NULL, 0,
                                             (const uint8_t *)"body", 4, completions, token, &is_done, id,
                                             &queue_id, &offset, &failure));
    } else {
        ons_message *message = message_of("tag", "body");
        OK(ons_producer_send_collected(producer, message, completions, token, &is_done, id, &queue_id,
                                       &offset, &failure));
        ons_message_free(message);
    }
    CHECK(is_done == 0 || is_done == 1);
    CHECK((queue_id >= 0) == is_done && (offset >= 0) == is_done);
    return is_done;
}

static void outcomes_are_told_once(void) {
    ons_producer *producer = started_producer(dir);
    ons_completions *completions = NULL;
    long later = 0;
    size_t i;
    OK(ons_completions_new(on_ready, &woken, count_destroy, &completions, &failure));
    for (i = 0; i < SENDS; i++) {
        sents[i].outcomes = send_collected(producer, completions, i);
        later += !sents[i].outcomes;
    }
    CHECK(later > 0);
    /* Nothing was taken meanwhile. */
    counter_wait_for(&woken, 1);
    OK(ons_producer_shutdown(producer, &failure));
    CHECK(counter_value(&woken) == 1);
    take_all(completions);
    for (i = 0; i < SENDS; i++) {
        CHECK(sents[i].outcomes == 1);
    }
    ons_producer_free(producer);
    ons_completions_free(completions);
    /* on_ready and destroy share their counter. */
    counter_wait_for(&woken, 2);
}

/* Freed with sends under way: they end unheard, and destroy runs after the last of them. */
static void nobody_has_to_listen(void) {
    static struct counter destroyed = COUNTER_INIT;
    ons_producer *producer = started_producer(dir);
    ons_completions *completions = NULL;
    size_t i;
    OK(ons_completions_new(on_ready_ignored, &destroyed, count_destroy, &completions, &failure));
    for (i = 0; i < SENDS; i++) {
        send_collected(producer, completions, i);
    }
    ons_completions_free(completions);
    OK(ons_producer_shutdown(producer, &failure));
    counter_wait_for(&destroyed, 1);
    CHECK(counter_value(&destroyed) == 1);
    ons_producer_free(producer);
}

static void refused_at_once(void) {
    static struct counter destroyed = COUNTER_INIT;
    ons_producer *producer = started_producer(dir);
    ons_completions *completions = NULL;
    ons_message *message = message_of("tag", "");
    char id[ID_LEN];
    int32_t is_done;
    int32_t queue_id;
    int64_t offset;
    size_t count;
    REFUSED(ONS_NULL_ARGUMENT, "ready is NULL",
            ons_completions_new(NULL, &destroyed, count_destroy, &completions, &failure));
    CHECK(counter_value(&destroyed) == 1);
    REFUSED(ONS_NULL_ARGUMENT, "completions_out",
            ons_completions_new(on_ready, &woken, NULL, NULL, &failure));
    OK(ons_completions_new(on_ready_ignored, NULL, NULL, &completions, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "body",
            ons_producer_send_collected(producer, message, completions, 0, &is_done, id, &queue_id, &offset,
                                        &failure));
    REFUSED(
        ONS_NULL_ARGUMENT, "completions is NULL",
        ons_producer_send_collected(producer, message, NULL, 0, &is_done, id, &queue_id, &offset, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message_id_out",
            ons_producer_send_collected(producer, message, completions, 0, &is_done, NULL, &queue_id, &offset,
                                        &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "no spaces please",
            ons_producer_send_parts_collected(producer, TEXT("no spaces please"), NULL, 0, NULL, 0,
                                              (const uint8_t *)"body", 4, completions, 0, &is_done, id,
                                              &queue_id, &offset, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "UTF-8",
            ons_producer_send_parts_collected(producer, TEXT("test"), "\xff", 1, NULL, 0,
                                              (const uint8_t *)"body", 4, completions, 0, &is_done, id,
                                              &queue_id, &offset, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "tokens_out",
            ons_completions_take(completions, 1, NULL, id, &queue_id, &offset, &failure, &count, &failure));
    ons_message_free(message);
    ons_completions_free(completions);
    ons_producer_free(producer);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    dir = argv[1];
    outcomes_are_told_once();
    nobody_has_to_listen();
    refused_at_once();
    return 0;
}
