/* Guards against errors that cannot be read: what, whether to try again, whether the message is stored. */
#include "check.h"

static ons_error *some_error(void) {
    ons_error *error = NULL;
    CHECK(ons_factory_property_new(NULL, &error) == ONS_NULL_ARGUMENT);
    CHECK(error != NULL);
    return error;
}

static void it_tells_all_it_knows(void) {
    ons_error *error = some_error();
    ons_status status = ONS_OK;
    ons_stored stored = ONS_STORED_UNKNOWN;
    const char *message = NULL;
    size_t message_len = 0;
    int32_t is_retriable = -1;
    int32_t is_fatal = -1;

    CHECK(ons_error_status(error, &status) == ONS_OK);
    CHECK(status == ONS_NULL_ARGUMENT);
    CHECK(ons_error_message(error, &message, &message_len) == ONS_OK);
    SAME("property_out is NULL", message, message_len);
    CHECK(ons_error_is_retriable(error, &is_retriable) == ONS_OK);
    CHECK(is_retriable == 0);
    CHECK(ons_error_is_fatal(error, &is_fatal) == ONS_OK);
    CHECK(is_fatal == 0);
    CHECK(ons_error_stored(error, &stored) == ONS_OK);
    CHECK(stored == ONS_STORED_NO);
    ons_error_free(error);
}

static void null_is_refused_everywhere(void) {
    ons_error *error = some_error();
    ons_status status;
    ons_stored stored;
    const char *message;
    size_t message_len;
    int32_t flag;

    CHECK(ons_error_status(NULL, &status) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_status(error, NULL) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_message(NULL, &message, &message_len) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_message(error, NULL, &message_len) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_message(error, &message, NULL) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_is_retriable(NULL, &flag) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_is_retriable(error, NULL) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_is_fatal(NULL, &flag) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_is_fatal(error, NULL) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_stored(NULL, &stored) == ONS_NULL_ARGUMENT);
    CHECK(ons_error_stored(error, NULL) == ONS_NULL_ARGUMENT);
    ons_error_free(error);
    ons_error_free(NULL);
}

static void another_handle_is_no_error(void) {
    ons_message *message = NULL;
    ons_status status = ONS_OK;
    OK(ons_message_new(&message, &failure));
    CHECK(ons_error_status((const ons_error *)message, &status) == ONS_INVALID_ARGUMENT);
    CHECK(status == ONS_OK);
    /* Ignored, not freed under the wrong type. */
    ons_error_free((ons_error *)message);
    OK(ons_message_set_topic(message, TEXT("still here"), &failure));
    ons_message_free(message);
}

int main(void) {
    it_tells_all_it_knows();
    null_is_refused_everywhere();
    another_handle_is_no_error();
    return 0;
}
