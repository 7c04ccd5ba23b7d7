/* Guards against a library that cannot be told apart from another, and against outputs written without a
 * place. */
#include "check.h"

int main(void) {
    const char *version = NULL;
    size_t version_len = 0;
    int32_t abi_version = 0;

    OK(ons_version(&version, &version_len, &failure));
    SAME(ONS_TEST_VERSION, version, version_len);
    OK(ons_abi_version(&abi_version, &failure));
    CHECK(abi_version == 3);

    REFUSED(ONS_NULL_ARGUMENT, "version_out is NULL", ons_version(NULL, &version_len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "version_len_out is NULL", ons_version(&version, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "version_out is NULL", ons_abi_version(NULL, &failure));
    CHECK(ons_version(NULL, NULL, NULL) == ONS_NULL_ARGUMENT);
    CHECK(ons_abi_version(NULL, NULL) == ONS_NULL_ARGUMENT);
    return 0;
}
