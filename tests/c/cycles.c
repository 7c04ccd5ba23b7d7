/* Guards against what a client leaves behind when it is gone: threads, descriptors, memory.
   Usage: cycles COUNT DIR */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "footprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SENDS 2
/* A directory that fills keeps more in memory while it is open; a fresh one now and then keeps that apart from
   what a client leaves behind. */
#define CYCLES_PER_DIRECTORY 500
/* Allocators and what is made once settle over the first half; the line is fitted to the second. What a line
   through so many samples may rise by: the noise of a few pages over fifty samples, and well under the smallest
   thing a client owns over thousands: a thread's stack takes 8 KiB, a buffer 4 KiB, a name with its map entry
   100 bytes. */
#define BYTES_A_CYCLE_MAX(cycles) ((cycles) >= 5000 ? 64 : 8192)

static ons_action on_message(void *user_data, ons_message *message) {
    (void)message;
    counter_add((struct counter *)user_data, 1);
    return ONS_COMMIT_MESSAGE;
}

static void on_sent(void *user_data, const ons_send_result *result, const ons_error *error) {
    CHECK(result != NULL && error == NULL);
    counter_add((struct counter *)user_data, 1);
}

/* Not synced: what a disk takes to sync is not what is looked at here. */
static ons_factory_property *unsynced(const char *dir) {
    ons_factory_property *settings = settings_of(dir);
    OK(ons_factory_property_set(settings, TEXT("FlushDiskType"), TEXT("ASYNC_FLUSH"), &failure));
    return settings;
}

static void cycle(const char *dir) {
    struct counter received = COUNTER_INIT;
    struct counter sent = COUNTER_INIT;
    ons_factory_property *settings = unsynced(dir);
    ons_producer *producer = NULL;
    ons_push_consumer *consumer = NULL;
    int i;
    OK(ons_producer_new(settings, &producer, &failure));
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
    OK(ons_producer_start(producer, &failure));
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), on_message, &received, NULL, &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    for (i = 0; i < SENDS; i++) {
        ons_message *message = message_of("tag", "body");
        send_one(producer, "tag", "body");
        OK(ons_producer_send_async(producer, message, on_sent, &sent, NULL, NULL, NULL, &failure));
        ons_message_free(message);
    }
    counter_wait_for(&sent, SENDS);
    counter_wait_for(&received, 2 * SENDS);
    CHECK(counter_value(&received) == 2 * SENDS);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    OK(ons_producer_shutdown(producer, &failure));
    ons_push_consumer_free(consumer);
    ons_producer_free(producer);
}

int main(int argc, char **argv) {
    static struct growth growth;
    long descriptors_before = 0;
    time_t begun = time(NULL);
    long count;
    long i;
    double grown;
    CHECK(argc == 3);
    count = strtol(argv[1], NULL, 10);
    CHECK(count >= 20);
    for (i = 0; i < count; i++) {
        char dir[4096];
        sprintf(dir, "%.4000s/%ld", argv[2], i / CYCLES_PER_DIRECTORY);
        cycle(dir);
        only_this_thread_is_left();
        if (i == count / 10) {
            descriptors_before = descriptors();
        }
        if (i > count / 10) {
            CHECK(descriptors() == descriptors_before);
        }
        if (i >= count / 2) {
            growth_add(&growth, (double)i, (double)resident_kib());
        }
    }
    grown = growth_bytes_a_cycle(&growth);
    printf("prove: cycles through C: %ld of open, send, consume, close in %ld s; left behind: 0 threads, 0 "
           "descriptors, %.1f bytes a cycle of %ld KiB resident (at most %d)\n",
           count, (long)(time(NULL) - begun), grown, resident_kib(), BYTES_A_CYCLE_MAX(count));
    CHECK(grown < BYTES_A_CYCLE_MAX(count));
    return 0;
}
