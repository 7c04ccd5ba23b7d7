// What every header of the binding stands on: the C library and the names the SDK expects in namespace ons.
#ifndef ONS_CPP_ONSCLIENT_H
#define ONS_CPP_ONSCLIENT_H

#include <string>
#include <vector>

#include "ons.h"

// Historically import/export of the C++ classes. They are header-only now, and only C functions cross the
// library's border, so there is nothing to import on any platform.
#ifndef ONSCLIENT_API
#define ONSCLIENT_API
#endif

namespace ons {
// The SDK's samples say `using namespace ons;` and then a bare `string`.
using std::string;
using std::vector;
} // namespace ons

#endif
