// The settings a client is made with.
#ifndef ONS_CPP_ONSFACTORYPROPERTY_H
#define ONS_CPP_ONSFACTORYPROPERTY_H

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "ONSChannel.h"
#include "ONSClient.h"
#include "ONSClientException.h"
#include "ons/detail/Call.h"
#include "ons/detail/FactoryKeys.h"
#include "ons/detail/TextCache.h"

namespace ons {

namespace detail {
struct FactoryPropertyAccess;
}

// A value: copies are independent. Keys are the constants of this class (ONSFactoryProperty::ProducerId ...);
// values are checked when they are set, and the exception names key, value and what is allowed. A
// `const char *` handed out lives until the settings are changed or destroyed.
class ONSCLIENT_API ONSFactoryProperty : public detail::FactoryKeys<void> {
public:
    ONSFactoryProperty() : raw_(nullptr) {
        detail::Call call;
        call.check(ons_factory_property_new(&raw_, call.error()));
    }
    ONSFactoryProperty(const ONSFactoryProperty &other) : detail::FactoryKeys<void>(), raw_(nullptr) {
        detail::Call call;
        call.check(ons_factory_property_clone(other.raw_, &raw_, call.error()));
    }
    ONSFactoryProperty &operator=(const ONSFactoryProperty &other) {
        if (this != &other) {
            ONSFactoryProperty copy(other);
            takeFrom(copy);
        }
        return *this;
    }
    virtual ~ONSFactoryProperty() { ons_factory_property_free(raw_); }

    // True, or an exception that says why setFactoryProperty would refuse.
    bool checkValidityOfFactoryProperties(const std::string &key, const std::string &value) {
        detail::Call call;
        call.check(ons_factory_property_check(raw_, key.data(), key.size(), value.data(), value.size(),
                                              call.error()));
        return true;
    }

    // Throws for a NULL key or value and for a value that is not allowed.
    void setFactoryProperty(const char *key, const char *value) {
        detail::required(key, "the key of a factory property");
        if (value == nullptr) {
            throw ONSClientException(std::string("the value of the factory property ") + key + " is NULL",
                                     detail::WRONG_CALL);
        }
        set(key, value);
    }
    // Replaces all settings, or none if one of the values is not allowed.
    void setFactoryProperties(const std::map<std::string, std::string> &factoryProperties) {
        ONSFactoryProperty changed;
        typedef std::map<std::string, std::string>::const_iterator Iterator;
        for (Iterator it = factoryProperties.begin(); it != factoryProperties.end(); ++it) {
            changed.set(it->first, it->second);
        }
        takeFrom(changed);
    }
    // What was set, without the defaults.
    std::map<std::string, std::string> getFactoryProperties() const {
        std::map<std::string, std::string> properties;
        size_t count = 0;
        detail::Call call;
        call.check(ons_factory_property_count(raw_, &count, call.error()));
        for (size_t index = 0; index < count; ++index) {
            const char *key = nullptr;
            const char *value = nullptr;
            size_t keyLength = 0;
            size_t valueLength = 0;
            call.check(
                ons_factory_property_at(raw_, index, &key, &keyLength, &value, &valueLength, call.error()));
            properties[std::string(key, keyLength)] = std::string(value, valueLength);
        }
        return properties;
    }

    void setSendMsgTimeout(int value) { set(SendMsgTimeoutMillis, std::to_string(value)); }
    void setSendMsgRetryTimes(int value) { set(SendMsgRetryTimes, std::to_string(value)); }
    void setMaxMsgCacheSize(int size) { set(MaxMsgCacheSize, std::to_string(size)); }
    void setOnsTraceSwitch(bool onswitch) { set(OnsTraceSwitch, onswitch ? "true" : "false"); }
    void setOnsChannel(ONSChannel onsChannel) { set(OnsChannel, nameOf(onsChannel)); }

    // Texts that were not set read as "".
    const char *getLogPath() const { return text(LogPath); }
    const char *getProducerId() const { return text(ProducerId); }
    const char *getConsumerId() const { return text(ConsumerId); }
    const char *getGroupId() const { return text(GroupId); }
    const char *getPublishTopics() const { return text(PublishTopics); }
    const char *getMessageModel() const { return text(MessageModel); }
    const char *getMessageContent() const { return text(MsgContent); }
    const char *getNameSrvAddr() const { return text(NAMESRV_ADDR); }
    const char *getNameSrvDomain() const { return text(ONSAddr); }
    const char *getAccessKey() const { return text(AccessKey); }
    const char *getSecretKey() const { return text(SecretKey); }
    const char *getConsumerInstanceName() const { return text(ConsumerInstanceName); }
    const char *getInstanceId() const { return text(InstanceId); }
    const char *getNameSpace() const { return getInstanceId(); }
    std::string getNameSpaceS() const { return getInstanceId(); }

    // Numbers that were not set read as -1.
    int getSendMsgTimeout() const { return number(SendMsgTimeoutMillis); }
    int getMessageTimeout() const { return getSendMsgTimeout(); } // its name up to 1.0.7
    int getSendMsgRetryTimes() const { return number(SendMsgRetryTimes); }
    int getConsumeThreadNums() const { return number(ConsumeThreadNums); }
    int getMaxMsgCacheSize() const { return number(MaxMsgCacheSize); }
    int getMaxMsgCacheSizeInMiB() const { return number(MaxCachedMessageSizeInMiB); }
    int getSuspendTimeMillis() const { return number(SuspendTimeMillis); }

    // These two read as their defaults when they were not set: ALIYUN and true.
    const char *getChannel() const { return effective(OnsChannel); }
    ONSChannel getOnsChannel() const {
        const std::string name(getChannel());
        for (int channel = CLOUD; channel <= INNER; ++channel) {
            if (name == nameOf(static_cast<ONSChannel>(channel))) {
                return static_cast<ONSChannel>(channel);
            }
        }
        return ALIYUN;
    }
    bool getOnsTraceSwitch() const { return std::string(effective(OnsTraceSwitch)) != "false"; }

private:
    friend struct detail::FactoryPropertyAccess;

    static const char *nameOf(ONSChannel channel) {
        switch (channel) {
        case CLOUD:
            return "CLOUD";
        case ALIYUN:
            return "ALIYUN";
        case ALL:
            return "ALL";
        case LOCAL:
            return "LOCAL";
        case INNER:
            return "INNER";
        }
        return "";
    }

    void takeFrom(ONSFactoryProperty &other) {
        std::swap(raw_, other.raw_);
        texts_.clear();
    }

    void set(detail::Piece key, detail::Piece value) {
        detail::Call call;
        call.check(ons_factory_property_set(raw_, key.data, key.size, value.data, value.size, call.error()));
        texts_.clear();
    }

    // The library answers with the default of a key that was not set.
    const char *effective(const char *key) const {
        const char *value = texts_.find('e', key);
        if (value == nullptr) {
            size_t length = 0;
            detail::Call call;
            call.check(ons_factory_property_get(raw_, key, std::strlen(key), &value, &length, call.error()));
            value = texts_.keep('e', key, value, length);
        }
        return value;
    }

    bool isSet(const char *key) const {
        size_t count = 0;
        detail::Call call;
        call.check(ons_factory_property_count(raw_, &count, call.error()));
        for (size_t index = 0; index < count; ++index) {
            const char *name = nullptr;
            const char *value = nullptr;
            size_t nameLength = 0;
            size_t valueLength = 0;
            call.check(
                ons_factory_property_at(raw_, index, &name, &nameLength, &value, &valueLength, call.error()));
            if (std::string(name, nameLength) == key) {
                return true;
            }
        }
        return false;
    }

    const char *text(const char *key) const { return isSet(key) ? effective(key) : ""; }
    int number(const char *key) const { return isSet(key) ? std::atoi(effective(key)) : -1; }

    ons_factory_property *raw_;
    detail::TextCache texts_;
};

} // namespace ons

#endif
