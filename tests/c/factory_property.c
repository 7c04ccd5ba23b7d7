/* Guards against settings that are lost, silently changed or accepted although they mean nothing. */
#include "check.h"

static ons_factory_property *settings;

static void values_are_trimmed_checked_and_kept(void) {
    const char *key = NULL;
    const char *value = NULL;
    size_t key_len = 0;
    size_t value_len = 0;
    size_t count = 99;

    OK(ons_factory_property_count(settings, &count, &failure));
    CHECK(count == 0);
    OK(ons_factory_property_get(settings, TEXT("SendMsgTimeoutMillis"), &value, &value_len, &failure));
    SAME("3000", value, value_len);
    OK(ons_factory_property_get(settings, TEXT("ProducerId"), &value, &value_len, &failure));
    SAME("", value, value_len);

    OK(ons_factory_property_set(settings, TEXT("ProducerId"), TEXT(" PID_xxxx "), &failure));
    OK(ons_factory_property_set(settings, TEXT("AnExtension"), TEXT("kept"), &failure));
    OK(ons_factory_property_get(settings, TEXT("ProducerId"), &value, &value_len, &failure));
    SAME("PID_xxxx", value, value_len);
    OK(ons_factory_property_count(settings, &count, &failure));
    CHECK(count == 2);
    OK(ons_factory_property_at(settings, 0, &key, &key_len, &value, &value_len, &failure));
    SAME("AnExtension", key, key_len);
    SAME("kept", value, value_len);
    OK(ons_factory_property_at(settings, 1, &key, &key_len, &value, &value_len, &failure));
    SAME("ProducerId", key, key_len);
    REFUSED(ONS_INVALID_ARGUMENT, "index is 2",
            ons_factory_property_at(settings, 2, &key, &key_len, &value, &value_len, &failure));

    REFUSED(ONS_INVALID_ARGUMENT, "ConsumeThreadNums",
            ons_factory_property_set(settings, TEXT("ConsumeThreadNums"), TEXT("many"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "many",
            ons_factory_property_check(settings, TEXT("ConsumeThreadNums"), TEXT("many"), &failure));
    OK(ons_factory_property_check(settings, TEXT("ConsumeThreadNums"), TEXT("4"), &failure));
    OK(ons_factory_property_count(settings, &count, &failure));
    CHECK(count == 2);
    REFUSED(ONS_INVALID_ARGUMENT, "value is not valid UTF-8",
            ons_factory_property_set(settings, TEXT("ProducerId"), TEXT("a\xff"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "key is not valid UTF-8",
            ons_factory_property_set(settings, TEXT("\xff"), TEXT("a"), &failure));
}

static void a_copy_is_independent(void) {
    ons_factory_property *copy = NULL;
    const char *value = NULL;
    size_t value_len = 0;
    OK(ons_factory_property_clone(settings, &copy, &failure));
    OK(ons_factory_property_set(copy, TEXT("ProducerId"), TEXT("PID_copy"), &failure));
    OK(ons_factory_property_get(settings, TEXT("ProducerId"), &value, &value_len, &failure));
    SAME("PID_xxxx", value, value_len);
    ons_factory_property_free(copy);
}

static void null_is_refused_everywhere(void) {
    const char *text;
    size_t len;
    REFUSED(ONS_NULL_ARGUMENT, "property_out", ons_factory_property_new(NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL", ons_factory_property_clone(NULL, &settings, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property_out", ons_factory_property_clone(settings, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL",
            ons_factory_property_set(NULL, TEXT("a"), TEXT("b"), &failure));
    REFUSED(ONS_NULL_ARGUMENT, "key is NULL",
            ons_factory_property_set(settings, NULL, 1, TEXT("b"), &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value is NULL",
            ons_factory_property_set(settings, TEXT("a"), NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL",
            ons_factory_property_get(NULL, TEXT("a"), &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "key is NULL",
            ons_factory_property_get(settings, NULL, 1, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_out",
            ons_factory_property_get(settings, TEXT("a"), NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_len_out",
            ons_factory_property_get(settings, TEXT("a"), &text, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL", ons_factory_property_count(NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "count_out", ons_factory_property_count(settings, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL",
            ons_factory_property_at(NULL, 0, &text, &len, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "key_out",
            ons_factory_property_at(settings, 0, NULL, &len, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "key_len_out",
            ons_factory_property_at(settings, 0, &text, NULL, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_out",
            ons_factory_property_at(settings, 0, &text, &len, NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_len_out",
            ons_factory_property_at(settings, 0, &text, &len, &text, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "property is NULL",
            ons_factory_property_check(NULL, TEXT("a"), TEXT("b"), &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value is NULL",
            ons_factory_property_check(settings, TEXT("a"), NULL, 1, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "more than a process can hold",
            ons_factory_property_check(settings, TEXT("a"), "b", (size_t)-1, &failure));
    CHECK(ons_factory_property_set(NULL, NULL, 0, NULL, 0, NULL) == ONS_NULL_ARGUMENT);
    ons_factory_property_free(NULL);
}

int main(void) {
    OK(ons_factory_property_new(&settings, &failure));
    values_are_trimmed_checked_and_kept();
    a_copy_is_independent();
    null_is_refused_everywhere();
    ons_factory_property_free(settings);
    return 0;
}
