// What a MessageOrderListener answers. Global, as programs write `Success` and `::OrderAction`.
#ifndef ONS_CPP_ORDERACTION_H
#define ONS_CPP_ORDERACTION_H

enum OrderAction {
    Success, // consumed; the queue goes on
    Suspend  // the queue waits, then the same message comes again
};

#endif
