// One message: topic, tag, key, body, properties.
#ifndef ONS_CPP_MESSAGE_H
#define ONS_CPP_MESSAGE_H

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "ONSClient.h"
#include "ONSClientException.h"
#include "SystemPropKey.h"
#include "ons/detail/MessageHandle.h"
#include "ons/detail/TextCache.h"

namespace ons {

namespace detail {
struct MessageAccess;
}

// A value: copies are independent. They share the body, except that of a received message up to 64 KiB are
// copied, so that a copy that is kept does not keep what else was read with it. Every `const char *` handed
// out lives until what it names is changed or the message is destroyed. A NULL topic, tag or key means empty
// in the setters; see the constructors for what they refuse.
class ONSCLIENT_API Message {
public:
    Message() {}

    // Keeps NUL bytes of the body. String literals pick the next constructor instead.
    Message(const std::string &topic, const std::string &tags, const std::string &byte_body)
        : handle_(topic, tags, "", byte_body) {}

    // The body ends at its first NUL. Throws for a NULL topic or body.
    Message(const char *topic, const char *tags, const char *body)
        : handle_(detail::required(topic, "the message's topic"), tags, "",
                  detail::required(body, "the message's body")) {}

    // Throws for a topic or body that is NULL or of size 0.
    Message(const char *topic, size_t topic_size, const char *tags, size_t tags_size, const char *body,
            size_t body_size)
        : handle_(detail::nonEmpty(topic, topic_size, "the message's topic"),
                  detail::Piece(tags, tags == nullptr ? 0 : tags_size), "",
                  detail::nonEmpty(body, body_size, "the message's body")) {}

    // As the constructor without keys.
    Message(const char *topic, const char *tags, const char *keys, const char *body)
        : handle_(detail::required(topic, "the message's topic"), tags, keys,
                  detail::required(body, "the message's body")) {}

    Message(const Message &other) : handle_(other.handle_) {}
    Message &operator=(const Message &other) {
        if (this != &other) {
            handle_ = other.handle_;
            texts_.clear();
        }
        return *this;
    }
    virtual ~Message() {}

    // User properties. A NULL name or value throws; a missing property reads as "", a NULL name as NULL.
    void putUserProperties(const char *key, const char *value) {
        put(ons_message_set_property, "u", key, value, "the name of a user property");
    }
    const char *getUserProperties(const char *key) const { return named(ons_message_property, 'u', key); }
    void setUserProperties(const std::map<std::string, std::string> &userProperty) {
        replace(ons_message_clear_properties, ons_message_set_property, "u", userProperty);
    }
    std::map<std::string, std::string> getUserProperties() const {
        return all(ons_message_property_count, ons_message_property_at);
    }

    // System properties, by the names of SystemPropKey.
    void putSystemProperties(const char *key, const char *value) {
        put(ons_message_set_system_property, SYSTEM, key, value, "the name of a system property");
    }
    const char *getSystemProperties(const char *key) const {
        return named(ons_message_system_property, 's', key);
    }
    void setSystemProperties(const std::map<std::string, std::string> &systemProperty) {
        replace(ons_message_clear_system_properties, ons_message_set_system_property, SYSTEM, systemProperty);
    }
    std::map<std::string, std::string> getSystemProperties() const {
        return all(ons_message_system_property_count, ons_message_system_property_at);
    }

    const char *getTopic() const { return text(ons_message_topic, 't'); }
    void setTopic(const char *topic) { setText(ons_message_set_topic, "t", topic); }
    const char *getTag() const { return text(ons_message_tag, 'g'); }
    void setTag(const char *tags) { setText(ons_message_set_tag, "gs", tags); }
    const char *getKey() const { return text(ons_message_key, 'k'); }
    void setKey(const char *keys) { setText(ons_message_set_key, "ks", keys); }
    const char *getMsgID() const { return text(ons_message_message_id, 'i'); }
    void setMsgID(const char *msgId) { setText(ons_message_set_message_id, "is", msgId); }

    // Epoch milliseconds; 0 = none.
    long long getStartDeliverTime() const { return number(ons_message_start_deliver_time); }
    void setStartDeliverTime(long long level) { setNumber(ons_message_set_start_deliver_time, level); }

    // NUL-terminated copy of the body, made at the first call. A body with NUL bytes needs one of the others.
    const char *getBody() const {
        const char *kept = texts_.find('b', "");
        if (kept != nullptr) {
            return kept;
        }
        int length = 0;
        const char *body = getByteBody(&length);
        return texts_.keep('b', "", body, static_cast<size_t>(length));
    }
    // The body where it lies, without a copy and without a NUL at its end. `len` may not be NULL.
    const char *getByteBody(int *len) const {
        if (len == nullptr) {
            throw ONSClientException("the length pointer of getByteBody is NULL", detail::WRONG_CALL);
        }
        size_t length = 0;
        const char *body = bytes(&length);
        *len = static_cast<int>(length);
        return body;
    }
    std::string getMsgBody() const {
        size_t length = 0;
        const char *body = bytes(&length);
        return std::string(body, length);
    }
    size_t getBodySize() const {
        size_t length = 0;
        bytes(&length);
        return length;
    }
    void setMsgBody(const std::string &msgbody) { setBytes(msgbody); }
    // As in SDKs up to 1.0.9: up to the first NUL; NULL means empty.
    void setBody(const char *body) { setBytes(body); }
    // As in later ones: `len` bytes. Throws for a negative length, and for NULL unless the length is 0.
    void setBody(const unsigned char *byte_msgbody, int len) {
        if (len < 0) {
            throw ONSClientException("the body's length is " + std::to_string(len) + ", below 0",
                                     detail::WRONG_CALL);
        }
        const char *body = reinterpret_cast<const char *>(byte_msgbody);
        setBytes(detail::Piece(len == 0 ? "" : detail::required(body, "the message's body"),
                               static_cast<size_t>(len)));
    }

    int getReconsumeTimes() const {
        int32_t value = 0;
        detail::Call call;
        call.check(ons_message_reconsume_times(handle_.get(), &value, call.error()));
        return value;
    }
    void setReconsumeTimes(int reconsumeTimes) {
        detail::Call call;
        call.check(ons_message_set_reconsume_times(handle_.get(), reconsumeTimes, call.error()));
        texts_.forget("s");
    }
    // Epoch milliseconds; 0 = not stored yet.
    long long getStoreTimestamp() const { return number(ons_message_store_timestamp); }
    void setStoreTimestamp(long long storeTimestamp) {
        setNumber(ons_message_set_store_timestamp, storeTimestamp);
    }
    long long getQueueOffset() const { return number(ons_message_queue_offset); }
    void setQueueOffset(long long queueOffset) { setNumber(ons_message_set_queue_offset, queueOffset); }

    // For logs; never the body, only its size.
    std::string toString() const {
        std::ostringstream out;
        out << "Message [topic=" << getTopic() << ", " << toSystemString() << ", " << toUserString()
            << ", bodySize=" << getBodySize() << "]";
        return out.str();
    }
    std::string toSystemString() const { return listed("systemProperties", getSystemProperties()); }
    std::string toUserString() const { return listed("userProperties", getUserProperties()); }

protected:
    void Init(const std::string &topic, const std::string &tags, const std::string &keys,
              const std::string &body) {
        handle_ = detail::MessageHandle(topic, tags, keys, body);
        texts_.clear();
    }

private:
    friend struct detail::MessageAccess;
    typedef std::map<std::string, std::string> Properties;

    // Kinds of cached texts: topic t, tag g, key k, id i, body b, user u, system s. A system property may be
    // another name of one of the fields.
    static constexpr const char *SYSTEM = "sgki";

    Message(ons_message *lent, detail::MessageHandle::Borrowed borrowed) : handle_(lent, borrowed) {}

    const char *bytes(size_t *length) const {
        const uint8_t *body = nullptr;
        detail::Call call;
        call.check(ons_message_body(handle_.get(), &body, length, call.error()));
        return *length == 0 ? "" : reinterpret_cast<const char *>(body);
    }
    void setBytes(detail::Piece body) {
        detail::Call call;
        call.check(ons_message_set_body(handle_.get(), reinterpret_cast<const uint8_t *>(body.data),
                                        body.size, call.error()));
        texts_.forget("b");
    }

    const char *text(detail::ons_cpp_get_text get, char kind) const {
        const char *value = texts_.find(kind, "");
        if (value == nullptr) {
            size_t length = 0;
            detail::Call call;
            call.check(get(handle_.get(), &value, &length, call.error()));
            value = texts_.keep(kind, "", value, length);
        }
        return value;
    }
    void setText(detail::ons_cpp_set_text set, const char *kinds, detail::Piece value) {
        detail::Call call;
        call.check(set(handle_.get(), value.data, value.size, call.error()));
        texts_.forget(kinds);
    }

    long long number(detail::ons_cpp_get_int64 get) const {
        int64_t value = 0;
        detail::Call call;
        call.check(get(handle_.get(), &value, call.error()));
        return value;
    }
    void setNumber(detail::ons_cpp_set_int64 set, long long value) {
        detail::Call call;
        call.check(set(handle_.get(), value, call.error()));
        texts_.forget("s");
    }

    void put(detail::ons_cpp_set_named set, const char *kinds, const char *key, const char *value,
             const char *what) {
        detail::required(key, what);
        if (value == nullptr) {
            throw ONSClientException(std::string("the value of the property ") + key + " is NULL",
                                     detail::WRONG_CALL);
        }
        put(set, kinds, detail::Piece(key), detail::Piece(value));
    }
    void put(detail::ons_cpp_set_named set, const char *kinds, detail::Piece name, detail::Piece value) {
        detail::Call call;
        call.check(set(handle_.get(), name.data, name.size, value.data, value.size, call.error()));
        texts_.forget(kinds);
    }
    const char *named(detail::ons_cpp_get_named get, char kind, const char *key) const {
        if (key == nullptr) {
            return nullptr;
        }
        const char *value = texts_.find(kind, key);
        if (value == nullptr) {
            size_t length = 0;
            detail::Call call;
            call.check(get(handle_.get(), key, std::strlen(key), &value, &length, call.error()));
            value = texts_.keep(kind, key, value, length);
        }
        return value;
    }
    void replace(detail::ons_cpp_clear clear, detail::ons_cpp_set_named set, const char *kinds,
                 const Properties &properties) {
        Message changed(*this); // all or nothing
        detail::Call call;
        call.check(clear(changed.handle_.get(), call.error()));
        for (Properties::const_iterator it = properties.begin(); it != properties.end(); ++it) {
            changed.put(set, kinds, it->first, it->second);
        }
        handle_ = changed.handle_;
        texts_.forget(kinds);
    }
    Properties all(detail::ons_cpp_get_count count, detail::ons_cpp_get_at at) const {
        size_t size = 0;
        detail::Call call;
        call.check(count(handle_.get(), &size, call.error()));
        Properties properties;
        for (size_t index = 0; index < size; ++index) {
            const char *name = nullptr;
            const char *value = nullptr;
            size_t nameLength = 0;
            size_t valueLength = 0;
            call.check(at(handle_.get(), index, &name, &nameLength, &value, &valueLength, call.error()));
            properties[std::string(name, nameLength)] = std::string(value, valueLength);
        }
        return properties;
    }
    static std::string listed(const char *title, const Properties &properties) {
        std::ostringstream out;
        out << title << "={";
        const char *separator = "";
        for (Properties::const_iterator it = properties.begin(); it != properties.end(); ++it) {
            out << separator << it->first << "=" << it->second;
            separator = ", ";
        }
        out << "}";
        return out.str();
    }

    detail::MessageHandle handle_;
    detail::TextCache texts_;
};

} // namespace ons

#endif
