// The document's sample for sending a normal message; only its placeholders are filled in.
#include "ONSFactory.h"
#include "ONSClientException.h"

using namespace ons;

int main()
{
    ONSFactoryProperty factoryInfo;
    factoryInfo.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_sample");
    factoryInfo.setFactoryProperty(ONSFactoryProperty::PublishTopics,"sample_topic" );
    factoryInfo.setFactoryProperty(ONSFactoryProperty::MsgContent, "sample content");
    factoryInfo.setFactoryProperty(ONSFactoryProperty::AccessKey, "sample_access_key");
    factoryInfo.setFactoryProperty(ONSFactoryProperty::SecretKey, "sample_secret_key" );

    //create producer;
    Producer *pProducer = ONSFactory::getInstance()->createProducer(factoryInfo);

    pProducer->start();

    Message msg(
    //Message Topic
    factoryInfo.getPublishTopics(),
    //Message Tag
    "TagA",
    //Message Body
    factoryInfo.getMessageContent()
    );

    msg.setKey("ORDERID_100");

    try
    {
    SendResultONS sendResult = pProducer->send(msg);
    }
    catch(ONSClientException & e)
    {
    return 1;
    }
    pProducer->shutdown();

    return 0;
}
