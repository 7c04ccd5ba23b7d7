// With second.cpp: two translation units that include everything, twice, link into one program.
#include "ONSFactory.h"

#include "everything.h"

using namespace ons;

const char *const *keyOfSecond();
ONSFactoryAPI *factoryOfSecond();

// The programs of the SDK's users say all of this.
static string text = "unqualified";
static vector<int> numbers;
static ::Action action = CommitMessage;
static ::OrderAction orderAction = Suspend;

int main() {
    const char *const *key = &ONSFactoryProperty::ProducerId;
    const bool isOne = keyOfSecond() == key && factoryOfSecond() == ONSFactory::getInstance();
    return isOne && !text.empty() && numbers.empty() && action == ::CommitMessage && orderAction == ::Suspend
               ? 0
               : 1;
}
