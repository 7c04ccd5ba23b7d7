/* Receives 10 messages from the broker in this process, as examples/send.* left them.
   Build after `make`: cc -Iinclude examples/consume.c -Lbuild/lib -lonsclient4cpp -lpthread */
#include <pthread.h>
#include <stdio.h>

#include "ons.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int received = 0;

static ons_action on_message(void *user_data, ons_message *message) {
    const uint8_t *body = NULL;
    size_t length = 0;
    int is_wanted;
    (void)user_data;
    pthread_mutex_lock(&mutex); /* several threads call this at once */
    is_wanted = received < 10 && ons_message_body(message, &body, &length, NULL) == ONS_OK;
    if (is_wanted) {
        printf("received %.*s\n", (int)length, (const char *)body);
        received++;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&mutex);
    return is_wanted ? ONS_COMMIT_MESSAGE : ONS_RECONSUME_LATER;
}

static int failed(ons_status status, ons_error **error) {
    const char *text = "";
    size_t length = 0;
    if (status == ONS_OK)
        return 0;
    ons_error_message(*error, &text, &length);
    fprintf(stderr, "%.*s\n", (int)length, text);
    ons_error_free(*error);
    return 1;
}

int main(void) {
    ons_factory_property *property = NULL;
    ons_push_consumer *consumer = NULL;
    ons_error *error = NULL;
    int is_bad =
        failed(ons_factory_property_new(&property, &error), &error) ||
        failed(ons_factory_property_set(property, "ConsumerId", 10, "GID_example", 11, &error), &error) ||
        failed(ons_push_consumer_new(property, &consumer, &error), &error) ||
        failed(ons_push_consumer_subscribe(consumer, "greetings", 9, "*", 1, on_message, NULL, NULL, &error),
               &error) ||
        failed(ons_push_consumer_start(consumer, &error), &error);
    pthread_mutex_lock(&mutex);
    while (received < 10 && !is_bad)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    ons_push_consumer_free(consumer); /* shuts it down */
    ons_factory_property_free(property);
    return is_bad;
}
