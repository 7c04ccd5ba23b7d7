// See first.cpp. The classes also bear a global `using namespace std`.
#include "everything.h"

#include "ONSFactory.h"

using namespace std;
using namespace ons;

const char *const *keyOfSecond() { return &ONSFactoryProperty::ProducerId; }
ONSFactoryAPI *factoryOfSecond() { return ONSFactory::getInstance(); }
string unqualified() { return string("std and ons name the same"); }
