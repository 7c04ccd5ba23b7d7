/* Sends 10 messages to the broker in this process: no server, no address, no account.
   Build after `make`: cc -Iinclude examples/send.c -Lbuild/lib -lonsclient4cpp */
#include <stdio.h>
#include <string.h>

#include "ons.h"

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

static int send_one(const ons_producer *producer, int number) {
    ons_message *message = NULL;
    ons_send_result *result = NULL;
    ons_error *error = NULL;
    const char *id;
    size_t id_length;
    char body[32];
    int is_bad;

    sprintf(body, "hello %d", number);
    is_bad = failed(ons_message_new_with("greetings", 9, "greeting", 8, NULL, 0, (const uint8_t *)body,
                                         strlen(body), &message, &error),
                    &error) ||
             failed(ons_producer_send(producer, message, &result, &error), &error);
    if (!is_bad && ons_send_result_message_id(result, &id, &id_length, NULL) == ONS_OK)
        printf("sent %.*s\n", (int)id_length, id);
    ons_send_result_free(result);
    ons_message_free(message);
    return is_bad;
}

int main(void) {
    ons_factory_property *property = NULL;
    ons_producer *producer = NULL;
    ons_error *error = NULL;
    int number;
    int is_bad =
        failed(ons_factory_property_new(&property, &error), &error) ||
        failed(ons_factory_property_set(property, "ProducerId", 10, "GID_example", 11, &error), &error) ||
        failed(ons_producer_new(property, &producer, &error), &error) ||
        failed(ons_producer_start(producer, &error), &error);
    for (number = 1; number <= 10 && !is_bad; number++)
        is_bad = send_one(producer, number);
    ons_producer_free(producer); /* shuts it down */
    ons_factory_property_free(property);
    return is_bad;
}
