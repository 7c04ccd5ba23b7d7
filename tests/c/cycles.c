/* Guards against what a client leaves behind when it is gone: threads, descriptors, memory.
   Usage: cycles COUNT DIR */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "footprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SENDS 2
/* A directory that fills keeps more in memory while it is open; a fresh one now and then keeps that apart
   from what a client leaves behind. */
#define CYCLES_PER_DIRECTORY 500
/* What is made once settles over the first half; lines are fitted to the second. What is allocated and not
   freed is nearly exact over thousands of cycles: the smallest thing a client owns, a name, takes 32 bytes
   each. Over the first hundred the allocator's caches still fill, and a limit below half of a client must do.
   What is resident moves by megabytes (a scan of the log takes 4 MiB and gives them back), which only a long
   line can tell from growth; a thread's stack would be 8 KiB a cycle, a buffer 4 KiB. */
#define HEAP_BYTES_A_CYCLE_MAX 16
#define HEAP_BYTES_A_CYCLE_MAX_AT_FIRST 2048
#define RESIDENT_BYTES_A_CYCLE_MAX 128
#define RESIDENT_KIB_MAX 65536
#define ENOUGH_FOR_A_LINE 5000

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

static void run(const char *dir, long count, struct growth *heap, struct growth *resident) {
    long descriptors_before = 0;
    long i;
    for (i = 0; i < count; i++) {
        char own[4096];
        sprintf(own, "%.4000s/%ld", dir, i / CYCLES_PER_DIRECTORY);
        cycle(own);
        only_this_thread_is_left();
        if (i == count / 10) {
            descriptors_before = descriptors();
        }
        if (i > count / 10) {
            CHECK(descriptors() == descriptors_before);
        }
        if (i >= count / 2) {
            growth_add(heap, (double)i, heap_bytes());
            growth_add(resident, (double)i, 1024.0 * (double)resident_kib());
        }
    }
}

int main(int argc, char **argv) {
    static struct growth heap;
    static struct growth resident;
    time_t begun = time(NULL);
    long count;
    CHECK(argc == 3);
    count = strtol(argv[1], NULL, 10);
    CHECK(count >= 20);
    run(argv[2], count, &heap, &resident);
    printf("prove: cycles through C: %ld of open, send, consume, close in %ld s; left behind: 0 threads, 0 "
           "descriptors, %.1f allocated and %.1f resident bytes a cycle, %ld KiB resident in the end\n",
           count, (long)(time(NULL) - begun), growth_bytes_a_cycle(&heap), growth_bytes_a_cycle(&resident),
           resident_kib());
    fflush(stdout);
    CHECK(resident_kib() < RESIDENT_KIB_MAX);
    if (count < ENOUGH_FOR_A_LINE) {
        CHECK(growth_bytes_a_cycle(&heap) < HEAP_BYTES_A_CYCLE_MAX_AT_FIRST);
    } else {
        CHECK(growth_bytes_a_cycle(&heap) < HEAP_BYTES_A_CYCLE_MAX);
        CHECK(growth_bytes_a_cycle(&resident) < RESIDENT_BYTES_A_CYCLE_MAX);
    }
    return 0;
}
