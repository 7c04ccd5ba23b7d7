// What a MessageListener answers. Global, as programs write `Action` and `::Action`.
#ifndef ONS_CPP_ACTION_H
#define ONS_CPP_ACTION_H

#include "ONSClient.h"

enum Action {
    CommitMessage, // consumed; it does not come again
    ReconsumeLater // comes again after the retry delay
};

#endif
