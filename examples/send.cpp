// Sends 10 messages to the broker in this process: no server, no address, no account.
// Build after `make`: g++ -Ibindings/cpp/include -Iinclude examples/send.cpp -Lbuild/lib -lonsclient4cpp
#include <iostream>
#include <string>

#include "ONSFactory.h"

using namespace ons;

int main() {
    try {
        ONSFactoryProperty factoryInfo;
        factoryInfo.setFactoryProperty(ONSFactoryProperty::ProducerId, "GID_example");
        Producer *producer = ONSFactory::getInstance()->createProducer(factoryInfo);
        producer->start();

        for (int number = 1; number <= 10; ++number) {
            Message message("greetings", "greeting", "hello " + std::to_string(number));
            SendResultONS sendResult = producer->send(message); // returns when it is on the disk
            std::cout << "sent " << sendResult.getMessageId() << std::endl;
        }

        producer->shutdown();
        return 0;
    } catch (const ONSClientException &e) {
        std::cerr << e.what() << std::endl;
        return 1;
    }
}
