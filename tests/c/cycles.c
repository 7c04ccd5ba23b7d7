/* Guards against what a client leaves behind when it is gone: threads, descriptors, memory. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CYCLES 100
#define WARM_UP 30
#define SENDS 20
/* Allowed growth over the cycles after the warm-up: well under what one leaked thread, buffer or file costs.
 */
#define GROWTH_KIB_MAX 2048
#define SECONDS_MAX 20

static long entries_of(const char *path) {
    DIR *dir = opendir(path);
    long count = 0;
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

static long resident_kib(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;
    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) {
            break;
        }
    }
    fclose(file);
    CHECK(kib > 0);
    return kib;
}

static ons_action on_message(void *user_data, ons_message *message) {
    (void)message;
    counter_add((struct counter *)user_data, 1);
    return ONS_COMMIT_MESSAGE;
}

static void on_sent(void *user_data, const ons_send_result *result, const ons_error *error) {
    CHECK(result != NULL && error == NULL);
    counter_add((struct counter *)user_data, 1);
}

static void cycle(const char *dir) {
    struct counter received = COUNTER_INIT;
    struct counter sent = COUNTER_INIT;
    struct counter destroyed = COUNTER_INIT;
    ons_factory_property *settings = settings_of(dir);
    ons_producer *producer = started_producer(dir);
    ons_push_consumer *consumer = NULL;
    int i;
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
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
    CHECK(counter_value(&destroyed) == 0);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    OK(ons_producer_shutdown(producer, &failure));
    ons_push_consumer_free(consumer);
    ons_producer_free(producer);
}

/* A joined thread is still listed for an instant. */
static void only_this_thread_is_left(void) {
    time_t deadline = time(NULL) + SECONDS_MAX;
    while (entries_of("/proc/self/task") != 3) {
        CHECK(time(NULL) < deadline);
        sched_yield();
    }
}

int main(int argc, char **argv) {
    long descriptors = 0;
    long warm_kib = 0;
    long grown_kib;
    int i;
    CHECK(argc == 2);
    for (i = 0; i < CYCLES; i++) {
        cycle(argv[1]);
        only_this_thread_is_left();
        if (i == WARM_UP) {
            descriptors = entries_of("/proc/self/fd");
            warm_kib = resident_kib();
        }
    }
    CHECK(entries_of("/proc/self/fd") == descriptors);
    grown_kib = resident_kib() - warm_kib;
    printf("resident after %d cycles: %ld KiB, grown by %ld KiB\n", CYCLES, warm_kib + grown_kib, grown_kib);
    CHECK(grown_kib < GROWTH_KIB_MAX);
    return 0;
}
