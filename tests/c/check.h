/* What the C tests share: checks that name file and line, waiting with a deadline, the usual settings. */
#ifndef CHECK_H
#define CHECK_H

#include <pthread.h>

#include "ons.h"

/* What the call inside OK or REFUSED writes its error to. */
extern ons_error *failure;

/* A text literal as pointer and length. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)

#define CHECK(condition) check_that((condition) != 0, #condition, __FILE__, __LINE__)

/* The call succeeds and leaves `failure` alone. */
#define OK(call) check_status(ONS_OK, (call), "", #call, __FILE__, __LINE__)

/* The call fails with `status` and an error whose message contains `text`. */
#define REFUSED(status, text, call) check_status((status), (call), (text), #call, __FILE__, __LINE__)

/* A borrowed text equals a C string. */
#define SAME(expected, start, len) check_text((expected), (start), (len), __FILE__, __LINE__)

void check_that(int holds, const char *what, const char *file, int line);
void check_status(ons_status wanted, ons_status got, const char *text, const char *call, const char *file,
                  int line);
void check_text(const char *expected, const char *start, size_t len, const char *file, int line);

/* A number that threads raise and others wait for; no wait is longer than a minute. */
struct counter {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long value;
};
#define COUNTER_INIT                                                                                         \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

void counter_add(struct counter *counter, long by);
long counter_value(struct counter *counter);
void counter_wait_for(struct counter *counter, long at_least);

/* ONSAddr = embedded:DIR and the ids "GID_test". */
ons_factory_property *settings_of(const char *dir);
ons_producer *started_producer(const char *dir);
/* An owned message of topic "test". */
ons_message *message_of(const char *tag, const char *body);
void send_one(ons_producer *producer, const char *tag, const char *body);
/* The statistic of a broker. */
long statistic(const ons_broker *broker, const char *name);

/* A destroy that counts: user_data is a struct counter. */
void count_destroy(void *user_data);

#endif
