/* Guards against a library that hangs or crashes the process around it: exit without shutdown, fork, a second
   process. Usage: process WHAT DIR */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SENDS 100
#define SENDERS 8
#define FORKS_UNDER_LOAD 50

static struct counter received = COUNTER_INIT;

static ons_action on_message(void *user_data, ons_message *message) {
    (void)user_data;
    (void)message;
    counter_add(&received, 1);
    return ONS_COMMIT_MESSAGE;
}

static ons_action exit_inside(void *user_data, ons_message *message) {
    (void)user_data;
    (void)message;
    exit(0);
}

static void exit_inside_callback(void *user_data, const ons_send_result *result, const ons_error *error) {
    (void)user_data;
    (void)result;
    (void)error;
    exit(0);
}

static ons_push_consumer *start_consumer(const char *dir, ons_message_listener listener) {
    ons_factory_property *settings = settings_of(dir);
    ons_push_consumer *consumer = NULL;
    OK(ons_push_consumer_new(settings, &consumer, &failure));
    ons_factory_property_free(settings);
    OK(ons_push_consumer_subscribe(consumer, TEXT("test"), TEXT("*"), listener, NULL, NULL, &failure));
    OK(ons_push_consumer_start(consumer, &failure));
    return consumer;
}

static void send_all(ons_producer *producer) {
    int i;
    for (i = 0; i < SENDS; i++) {
        send_one(producer, "tag", "body");
    }
}

/* Everything is running and nothing is shut down. */
static void exit_without_shutdown(const char *dir) {
    ons_producer *producer = started_producer(dir);
    start_consumer(dir, on_message);
    send_all(producer);
    exit(0);
}

/* Sent, and left in the log. */
static void send_and_exit(const char *dir) {
    send_all(started_producer(dir));
    exit(0);
}

static void receive_all(const char *dir) {
    ons_push_consumer *consumer = start_consumer(dir, on_message);
    counter_wait_for(&received, SENDS);
    ons_push_consumer_free(consumer);
    CHECK(counter_value(&received) == SENDS);
}

static void wait_for_ever(void) {
    for (;;) {
        pause();
    }
}

static void exit_in_listener(const char *dir) {
    ons_producer *producer = started_producer(dir);
    start_consumer(dir, exit_inside);
    send_all(producer);
    wait_for_ever();
}

static void *send_for_ever(void *producer) {
    for (;;) {
        send_one((ons_producer *)producer, "tag", "body");
    }
    return NULL;
}

static void start_senders(ons_producer *producer) {
    pthread_t sender;
    int i;
    for (i = 0; i < SENDERS; i++) {
        CHECK(pthread_create(&sender, NULL, send_for_ever, producer) == 0);
    }
}

/* Only one thread may call exit. */
static ons_action exit_inside_late(void *user_data, ons_message *message) {
    (void)user_data;
    (void)message;
    counter_add(&received, 1);
    if (counter_value(&received) >= SENDS) {
        static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&once);
        exit(0);
    }
    return ONS_COMMIT_MESSAGE;
}

static void exit_in_listener_under_load(const char *dir) {
    ons_producer *producer = started_producer(dir);
    start_consumer(dir, exit_inside_late);
    start_senders(producer);
    wait_for_ever();
}

static void exit_in_callback(const char *dir) {
    ons_producer *producer = started_producer(dir);
    ons_message *message = message_of("tag", "body");
    OK(ons_producer_send_async(producer, message, exit_inside_callback, NULL, NULL, NULL, NULL, &failure));
    wait_for_ever();
}

static void wait_for_child(pid_t child) {
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void in_child(ons_producer *producer, ons_push_consumer *consumer, ons_broker *broker,
                     ons_message *message) {
    ons_factory_property *settings = NULL;
    ons_producer *another = NULL;
    const char *version = NULL;
    size_t version_len = 0;
    struct counter destroyed = COUNTER_INIT;
    REFUSED(ONS_FORKED, "forked", ons_producer_send(producer, message, NULL, &failure));
    REFUSED(ONS_FORKED, "forked",
            ons_producer_send_async(producer, message, exit_inside_callback, &destroyed, count_destroy, NULL,
                                    NULL, &failure));
    REFUSED(ONS_FORKED, "forked", ons_producer_shutdown(producer, &failure));
    REFUSED(ONS_FORKED, "forked", ons_push_consumer_shutdown(consumer, &failure));
    REFUSED(ONS_FORKED, "forked", ons_broker_close(broker, &failure));
    REFUSED(ONS_FORKED, "forked", ons_producer_new(settings, &another, &failure));
    OK(ons_version(&version, &version_len, &failure));
    ons_producer_free(producer);
    ons_push_consumer_free(consumer);
    ons_broker_free(broker);
    exit(0);
}

static void fork_with_open_clients(const char *dir) {
    ons_producer *producer = started_producer(dir);
    ons_push_consumer *consumer = start_consumer(dir, on_message);
    ons_message *message = message_of("tag", "body");
    ons_broker *broker = NULL;
    pid_t child;
    OK(ons_broker_open(dir, strlen(dir), NULL, ONS_CLOCK_SYSTEM, &broker, &failure));
    send_all(producer);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        in_child(producer, consumer, broker, message);
    }
    wait_for_child(child);
    /* The parent goes on as if nothing had happened. */
    send_all(producer);
    counter_wait_for(&received, 2 * SENDS);
    OK(ons_push_consumer_shutdown(consumer, &failure));
    OK(ons_producer_shutdown(producer, &failure));
    ons_message_free(message);
    ons_push_consumer_free(consumer);
    ons_producer_free(producer);
    ons_broker_free(broker);
    CHECK(counter_value(&received) == 2 * SENDS);
}

/* Whatever locks the senders and the listeners hold at that moment: no child may wait for one. */
static void fork_under_load(const char *dir) {
    ons_producer *producer = started_producer(dir);
    ons_push_consumer *consumer = start_consumer(dir, on_message);
    ons_message *message = message_of("tag", "body");
    ons_broker *broker = NULL;
    int i;
    OK(ons_broker_open(dir, strlen(dir), NULL, ONS_CLOCK_SYSTEM, &broker, &failure));
    start_senders(producer);
    for (i = 1; i <= FORKS_UNDER_LOAD; i++) {
        pid_t child;
        counter_wait_for(&received, 10L * i);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            in_child(producer, consumer, broker, message);
        }
        wait_for_child(child);
    }
    /* The parent goes on. */
    counter_wait_for(&received, counter_value(&received) + SENDS);
    printf("prove: forks with 8 threads sending: %d children refused, 0 hung, the parent went on\n",
           FORKS_UNDER_LOAD);
    exit(0);
}

static void two_processes(const char *dir) {
    int to_parent[2];
    int to_child[2];
    char byte = 'x';
    char pid[32];
    ons_factory_property *settings;
    ons_producer *producer = NULL;
    pid_t child;
    CHECK(pipe(to_parent) == 0 && pipe(to_child) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(to_child[1]);
        producer = started_producer(dir);
        CHECK(write(to_parent[1], &byte, 1) == 1);
        /* Until the parent closes its end. */
        CHECK(read(to_child[0], &byte, 1) == 0);
        ons_producer_free(producer);
        exit(0);
    }
    close(to_child[0]);
    CHECK(read(to_parent[0], &byte, 1) == 1);
    sprintf(pid, "%ld", (long)child);
    settings = settings_of(dir);
    OK(ons_producer_new(settings, &producer, &failure));
    ons_factory_property_free(settings);
    REFUSED(ONS_DIRECTORY_IN_USE, pid, ons_producer_start(producer, &failure));
    REFUSED(ONS_DIRECTORY_IN_USE, dir, ons_producer_start(producer, &failure));
    close(to_child[1]);
    wait_for_child(child);
    /* Free now: the same producer may start. */
    OK(ons_producer_start(producer, &failure));
    send_one(producer, "tag", "body");
    ons_producer_free(producer);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(const char *dir);
    } programs[] = {
        {"exit-without-shutdown", exit_without_shutdown},
        {"send-and-exit", send_and_exit},
        {"receive-all", receive_all},
        {"exit-in-listener", exit_in_listener},
        {"exit-in-listener-under-load", exit_in_listener_under_load},
        {"exit-in-callback", exit_in_callback},
        {"fork", fork_with_open_clients},
        {"fork-under-load", fork_under_load},
        {"two-processes", two_processes},
    };
    size_t i;
    CHECK(argc == 3);
    for (i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run(argv[2]);
            return 0;
        }
    }
    return 2;
}
