/* Guards against a log that cannot be redirected, and against a callback used after its destroy. */
#include "check.h"

#include <stdio.h>
#include <string.h>

static struct counter lines = COUNTER_INIT;
static struct counter destroyed = COUNTER_INIT;

static void count_line(void *user_data, ons_log_level level, const char *message, size_t message_len) {
    CHECK(level == ONS_LOG_WARN);
    CHECK(message != NULL && message_len > 0 && message[message_len - 1] != '\n');
    counter_add((struct counter *)user_data, 1);
}

static void drop_line(void *user_data, ons_log_level level, const char *message, size_t message_len) {
    (void)user_data;
    (void)level;
    (void)message;
    (void)message_len;
}

/* An unknown key is kept and logged, once a key. */
static void say_something(const char *unknown_key) {
    ons_factory_property *settings = NULL;
    OK(ons_factory_property_new(&settings, &failure));
    OK(ons_factory_property_set(settings, unknown_key, strlen(unknown_key), TEXT("x"), &failure));
    ons_factory_property_free(settings);
}

static long size_of(const char *path) {
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file != NULL) {
        fseek(file, 0, SEEK_END);
        size = ftell(file);
        fclose(file);
    }
    return size;
}

int main(int argc, char **argv) {
    char path[4096];
    CHECK(argc == 2);
    sprintf(path, "%s/own.log", argv[1]);

    OK(ons_log_set_callback(count_line, &lines, NULL, &failure));
    say_something("FirstUnknownKey");
    CHECK(counter_value(&lines) == 1);
    OK(ons_log_set_level(ONS_LOG_ERROR, &failure));
    say_something("SecondUnknownKey");
    CHECK(counter_value(&lines) == 1);
    OK(ons_log_set_level(ONS_LOG_INFO, &failure));

    /* destroy runs when the callback is replaced, not before, and once. */
    OK(ons_log_set_callback(drop_line, &destroyed, count_destroy, &failure));
    CHECK(counter_value(&destroyed) == 0);
    OK(ons_log_set_file(path, strlen(path), 1 << 20, 2, &failure));
    OK(ons_log_set_callback(NULL, NULL, NULL, &failure));
    CHECK(counter_value(&destroyed) == 1);
    say_something("ThirdUnknownKey");
    CHECK(counter_value(&lines) == 1);
    CHECK(size_of(path) > 0);

    REFUSED(ONS_INVALID_ARGUMENT, "level is 5", ons_log_set_level((ons_log_level)5, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "path is NULL", ons_log_set_file(NULL, 1, 0, 0, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "path is not valid UTF-8", ons_log_set_file(TEXT("\xff"), 0, 0, &failure));
    return 0;
}
