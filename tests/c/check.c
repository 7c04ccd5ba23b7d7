/* What the C tests share: see check.h. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_SECONDS_MAX 60

ons_error *failure = NULL;

static void fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    fflush(stderr);
    abort();
}

void check_that(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        fail(file, line, what);
    }
}

static int contains(const char *start, size_t len, const char *text) {
    size_t text_len = strlen(text);
    size_t at;
    for (at = 0; at + text_len <= len; at++) {
        if (memcmp(start + at, text, text_len) == 0) {
            return 1;
        }
    }
    return 0;
}

void check_status(ons_status wanted, ons_status got, const char *text, const char *call, const char *file,
                  int line) {
    const char *message = "";
    size_t message_len = 0;
    ons_status told = ONS_OK;
    if (failure != NULL) {
        ons_error_message(failure, &message, &message_len);
        ons_error_status(failure, &told);
    }
    if (wanted != got || (wanted != ONS_OK) != (failure != NULL) || told != got ||
        !contains(message, message_len, text)) {
        fprintf(stderr, "%s\n  wanted status %d and a message with '%s'\n  got status %d and '%.*s'\n", call,
                (int)wanted, text, (int)got, (int)message_len, message);
        fail(file, line, "the call did not end as expected");
    }
    ons_error_free(failure);
    failure = NULL;
}

void check_text(const char *expected, const char *start, size_t len, const char *file, int line) {
    if (start == NULL || len != strlen(expected) || memcmp(start, expected, len) != 0) {
        fprintf(stderr, "wanted '%s', got '%.*s'\n", expected, (int)len, start == NULL ? "" : start);
        fail(file, line, "the text is not the expected one");
    }
}

void counter_add(struct counter *counter, long by) {
    pthread_mutex_lock(&counter->mutex);
    counter->value += by;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->mutex);
}

long counter_value(struct counter *counter) {
    long value;
    pthread_mutex_lock(&counter->mutex);
    value = counter->value;
    pthread_mutex_unlock(&counter->mutex);
    return value;
}

void counter_wait_for(struct counter *counter, long at_least) {
    struct timespec deadline;
    int is_late = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += WAIT_SECONDS_MAX;
    pthread_mutex_lock(&counter->mutex);
    while (counter->value < at_least && !is_late) {
        is_late = pthread_cond_timedwait(&counter->changed, &counter->mutex, &deadline) != 0;
    }
    if (counter->value < at_least) {
        fprintf(stderr, "waited for %ld, have %ld\n", at_least, counter->value);
        fail(__FILE__, __LINE__, "waited in vain");
    }
    pthread_mutex_unlock(&counter->mutex);
}

ons_factory_property *settings_of(const char *dir) {
    ons_factory_property *settings = NULL;
    char address[4096];
    CHECK(strlen(dir) < sizeof(address) - 16);
    sprintf(address, "embedded:%s", dir);
    OK(ons_factory_property_new(&settings, &failure));
    OK(ons_factory_property_set(settings, TEXT("ONSAddr"), address, strlen(address), &failure));
    OK(ons_factory_property_set(settings, TEXT("ProducerId"), TEXT("GID_test"), &failure));
    OK(ons_factory_property_set(settings, TEXT("ConsumerId"), TEXT("GID_test"), &failure));
    return settings;
}

ons_producer *started_producer(const char *dir) {
    ons_factory_property *settings = settings_of(dir);
    ons_producer *producer = NULL;
    OK(ons_producer_new(settings, &producer, &failure));
    ons_factory_property_free(settings);
    OK(ons_producer_start(producer, &failure));
    return producer;
}

ons_message *message_of(const char *tag, const char *body) {
    ons_message *message = NULL;
    OK(ons_message_new_with(TEXT("test"), tag, strlen(tag), NULL, 0, (const uint8_t *)body, strlen(body),
                            &message, &failure));
    return message;
}

void send_one(ons_producer *producer, const char *tag, const char *body) {
    ons_message *message = message_of(tag, body);
    OK(ons_producer_send(producer, message, NULL, &failure));
    ons_message_free(message);
}

long statistic(const ons_broker *broker, const char *name) {
    int64_t value = -1;
    OK(ons_broker_statistic(broker, name, strlen(name), &value, &failure));
    return (long)value;
}

void count_destroy(void *user_data) { counter_add((struct counter *)user_data, 1); }
