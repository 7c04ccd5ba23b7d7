// Guards against: settings that are lost, read back wrong, or accepted although they make no sense.
#include "ONSFactory.h"
#include "harness.h"

using namespace ons;

TEST(what_was_not_set_reads_as_documented) {
    ONSFactoryProperty property;
    CHECK_EQUAL(property.getProducerId(), "");
    CHECK_EQUAL(property.getConsumerId(), "");
    CHECK_EQUAL(property.getGroupId(), "");
    CHECK_EQUAL(property.getPublishTopics(), "");
    CHECK_EQUAL(property.getMessageModel(), "");
    CHECK_EQUAL(property.getMessageContent(), "");
    CHECK_EQUAL(property.getNameSrvAddr(), "");
    CHECK_EQUAL(property.getNameSrvDomain(), "");
    CHECK_EQUAL(property.getAccessKey(), "");
    CHECK_EQUAL(property.getSecretKey(), "");
    CHECK_EQUAL(property.getLogPath(), "");
    CHECK_EQUAL(property.getConsumerInstanceName(), "");
    CHECK_EQUAL(property.getInstanceId(), "");
    CHECK_EQUAL(property.getNameSpace(), "");
    CHECK_EQUAL(property.getNameSpaceS(), "");
    CHECK_NUMBER(property.getSendMsgTimeout(), -1);
    CHECK_NUMBER(property.getMessageTimeout(), -1);
    CHECK_NUMBER(property.getSendMsgRetryTimes(), -1);
    CHECK_NUMBER(property.getConsumeThreadNums(), -1);
    CHECK_NUMBER(property.getMaxMsgCacheSize(), -1);
    CHECK_NUMBER(property.getMaxMsgCacheSizeInMiB(), -1);
    CHECK_NUMBER(property.getSuspendTimeMillis(), -1);
    CHECK_EQUAL(property.getChannel(), "ALIYUN");
    CHECK(property.getOnsChannel() == ALIYUN);
    CHECK(property.getOnsTraceSwitch());
    CHECK(property.getFactoryProperties().empty());
}

TEST(every_getter_reads_its_own_key) {
    ONSFactoryProperty property;
    property.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_1");
    property.setFactoryProperty(ONSFactoryProperty::ConsumerId, "CID_1");
    property.setFactoryProperty(ONSFactoryProperty::GroupId, "GID_1");
    property.setFactoryProperty(ONSFactoryProperty::PublishTopics, "topics");
    property.setFactoryProperty(ONSFactoryProperty::MsgContent, "content");
    property.setFactoryProperty(ONSFactoryProperty::MessageModel, ONSFactoryProperty::BROADCASTING);
    property.setFactoryProperty(ONSFactoryProperty::NAMESRV_ADDR, "127.0.0.1:9876");
    property.setFactoryProperty(ONSFactoryProperty::ONSAddr, "embedded:/x");
    property.setFactoryProperty(ONSFactoryProperty::AccessKey, "ak");
    property.setFactoryProperty(ONSFactoryProperty::SecretKey, "sk");
    property.setFactoryProperty(ONSFactoryProperty::ConsumerInstanceName, "one");
    property.setFactoryProperty(ONSFactoryProperty::InstanceId, "MQ_INST_1");
    property.setFactoryProperty(ONSFactoryProperty::ConsumeThreadNums, "5");
    property.setFactoryProperty(ONSFactoryProperty::SuspendTimeMillis, "600");
    property.setFactoryProperty(ONSFactoryProperty::MaxCachedMessageSizeInMiB, "64");
    CHECK_EQUAL(property.getProducerId(), "PID_1");
    CHECK_EQUAL(property.getConsumerId(), "CID_1");
    CHECK_EQUAL(property.getGroupId(), "GID_1");
    CHECK_EQUAL(property.getPublishTopics(), "topics");
    CHECK_EQUAL(property.getMessageContent(), "content");
    CHECK_EQUAL(property.getMessageModel(), "BROADCASTING");
    CHECK_EQUAL(property.getNameSrvAddr(), "127.0.0.1:9876");
    CHECK_EQUAL(property.getNameSrvDomain(), "embedded:/x");
    CHECK_EQUAL(property.getAccessKey(), "ak");
    CHECK_EQUAL(property.getSecretKey(), "sk");
    CHECK_EQUAL(property.getConsumerInstanceName(), "one");
    CHECK_EQUAL(property.getInstanceId(), "MQ_INST_1");
    CHECK_NUMBER(property.getConsumeThreadNums(), 5);
    CHECK_NUMBER(property.getSuspendTimeMillis(), 600);
    CHECK_NUMBER(property.getMaxMsgCacheSizeInMiB(), 64);
    CHECK_NUMBER(property.getFactoryProperties().size(), 15);
}

TEST(the_typed_setters_are_read_back) {
    ONSFactoryProperty property;
    property.setSendMsgTimeout(4000);
    property.setSendMsgRetryTimes(5);
    property.setMaxMsgCacheSize(600);
    CHECK_NUMBER(property.getSendMsgTimeout(), 4000);
    CHECK_NUMBER(property.getSendMsgRetryTimes(), 5);
    CHECK_NUMBER(property.getMaxMsgCacheSize(), 600);
    property.setOnsTraceSwitch(false);
    CHECK(!property.getOnsTraceSwitch());
    property.setOnsTraceSwitch(true);
    CHECK(property.getOnsTraceSwitch());
    property.setOnsChannel(CLOUD);
    CHECK(property.getOnsChannel() == CLOUD);
    CHECK_EQUAL(property.getChannel(), "CLOUD");
    property.setOnsChannel(ALL);
    CHECK(property.getOnsChannel() == ALL);
}

TEST(a_bad_value_is_refused_by_name_and_changes_nothing) {
    ONSFactoryProperty property;
    property.setFactoryProperty(ONSFactoryProperty::MessageModel, "CLUSTERING");
    CHECK_WRONG_CALL(property.setFactoryProperty(ONSFactoryProperty::MessageModel, "SOMETIMES"));
    const std::string text = THROWN(property.setFactoryProperty("MessageModel", "SOMETIMES")).what();
    CHECK_CONTAINS(text, "MessageModel");
    CHECK_CONTAINS(text, "SOMETIMES");
    CHECK_EQUAL(property.getMessageModel(), "CLUSTERING");
    CHECK_WRONG_CALL(property.setFactoryProperty(ONSFactoryProperty::AccessKey, ""));
    CHECK_WRONG_CALL(property.setFactoryProperty(ONSFactoryProperty::SecretKey, ""));
    CHECK_WRONG_CALL(property.setFactoryProperty(ONSFactoryProperty::ConsumeThreadNums, "1001"));
    CHECK_WRONG_CALL(property.setSendMsgTimeout(-1));
    CHECK_NUMBER(property.getSendMsgTimeout(), -1);
}

TEST(checking_says_what_setting_would_do) {
    ONSFactoryProperty property;
    CHECK(property.checkValidityOfFactoryProperties(ONSFactoryProperty::MessageModel, "CLUSTERING"));
    CHECK_WRONG_CALL(property.checkValidityOfFactoryProperties(ONSFactoryProperty::MessageModel, "x"));
    CHECK(property.getFactoryProperties().empty());
}

TEST(a_null_key_or_value_is_refused) {
    ONSFactoryProperty property;
    CHECK_WRONG_CALL(property.setFactoryProperty(nullptr, "value"));
    CHECK_WRONG_CALL(property.setFactoryProperty(ONSFactoryProperty::ProducerId, nullptr));
    CHECK_CONTAINS(THROWN(property.setFactoryProperty("ProducerId", nullptr)).what(), "ProducerId");
}

TEST(white_space_around_a_value_is_no_part_of_it) {
    ONSFactoryProperty property;
    property.setFactoryProperty(ONSFactoryProperty::ProducerId, " PID_xxxx ");
    CHECK_EQUAL(property.getProducerId(), "PID_xxxx");
}

TEST(a_key_of_the_program_is_kept) {
    ONSFactoryProperty property;
    property.setFactoryProperty("my.own.key", "kept");
    CHECK_EQUAL(property.getFactoryProperties()["my.own.key"], "kept");
}

TEST(a_map_replaces_everything_or_nothing) {
    ONSFactoryProperty property;
    property.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_1");
    std::map<std::string, std::string> map;
    map[ONSFactoryProperty::ConsumerId] = "CID_1";
    property.setFactoryProperties(map);
    CHECK(property.getFactoryProperties() == map);
    CHECK_EQUAL(property.getProducerId(), "");
    map[ONSFactoryProperty::MessageModel] = "bad";
    CHECK_WRONG_CALL(property.setFactoryProperties(map));
    CHECK_NUMBER(property.getFactoryProperties().size(), 1);
}

TEST(copies_of_settings_are_independent) {
    ONSFactoryProperty property;
    property.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_1");
    ONSFactoryProperty copy(property);
    copy.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_2");
    CHECK_EQUAL(property.getProducerId(), "PID_1");
    property = copy;
    CHECK_EQUAL(property.getProducerId(), "PID_2");
    ONSFactoryProperty &self = property;
    property = self;
    CHECK_EQUAL(property.getProducerId(), "PID_2");
}

TEST(every_key_is_spelt_as_its_constant) {
    CHECK_EQUAL(ONSFactoryProperty::LogPath, "LogPath");
    CHECK_EQUAL(ONSFactoryProperty::NAMESRV_ADDR, "NAMESRV_ADDR");
    CHECK_EQUAL(ONSFactoryProperty::ONSAddr, "ONSAddr");
    CHECK_EQUAL(ONSFactoryProperty::MsgContent, "MsgContent");
    CHECK_EQUAL(ONSFactoryProperty::SendMsgTimeoutMillis, "SendMsgTimeoutMillis");
    CHECK_EQUAL(SystemPropKey::STARTDELIVERTIME, "__STARTDELIVERTIME");
}
