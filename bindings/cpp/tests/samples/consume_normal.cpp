// The document's sample for receiving messages; its placeholders are filled in: what is done with a message,
// and what is waited for before shutdown.
#include "ONSFactory.h"
#include <future>
using namespace ons;

static std::promise<std::string> received;

class MyMsgListener : public MessageListener
{
public:
    MyMsgListener()
    {
    }

    virtual ~MyMsgListener()
    {
    }

    virtual Action consume(Message &message, ConsumeContext &context)
    {
        (void)context;
        string body = message.getBody();
        received.set_value(body);
        return CommitMessage; //CONSUME_SUCCESS;
    }
};

int main(int argc, char* argv[])
{
    (void)argc, (void)argv;
    ONSFactoryProperty factoryInfo;
    factoryInfo.setFactoryProperty(ONSFactoryProperty::ConsumerId, "CID_sample");
    factoryInfo.setFactoryProperty(ONSFactoryProperty::PublishTopics,"sample_topic" );
    factoryInfo.setFactoryProperty(ONSFactoryProperty::AccessKey, "sample_access_key");
    factoryInfo.setFactoryProperty(ONSFactoryProperty::SecretKey, "sample_secret_key");

    //create pushConsumer
    PushConsumer* pushConsumer = ONSFactory::getInstance()->createPushConsumer(factoryInfo);

    MyMsgListener msglistener;
    pushConsumer->subscribe(factoryInfo.getPublishTopics(), "*",&msglistener );

    //start pushConsumer
    pushConsumer->start();

    const string body = received.get_future().get();

    pushConsumer->shutdown();
    return body == "sample content" ? 0 : 1;
}
