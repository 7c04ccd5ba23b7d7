// Names of the system properties of a Message.
#ifndef ONS_CPP_SYSTEMPROPKEY_H
#define ONS_CPP_SYSTEMPROPKEY_H

#include "ONSClient.h"

namespace ons {
namespace detail {
// A template, because before C++17 only a template's static members may be defined in a header.
template <class T> struct SystemPropKeys {
    static const char *const TAG;
    static const char *const KEY;
    static const char *const MSGID;
    static const char *const RECONSUMETIMES;
    static const char *const STARTDELIVERTIME;
};
template <class T> const char *const SystemPropKeys<T>::TAG = "__TAG";
template <class T> const char *const SystemPropKeys<T>::KEY = "__KEY";
template <class T> const char *const SystemPropKeys<T>::MSGID = "__MSGID";
template <class T> const char *const SystemPropKeys<T>::RECONSUMETIMES = "__RECONSUMETIMES";
template <class T> const char *const SystemPropKeys<T>::STARTDELIVERTIME = "__STARTDELIVERTIME";
} // namespace detail

class ONSCLIENT_API SystemPropKey : public detail::SystemPropKeys<void> {
public:
    SystemPropKey() {}
};

} // namespace ons

#endif
