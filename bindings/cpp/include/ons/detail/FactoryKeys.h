// Private. The names of the settings, each spelt as its identifier.
#ifndef ONS_CPP_DETAIL_FACTORYKEYS_H
#define ONS_CPP_DETAIL_FACTORYKEYS_H

namespace ons {
namespace detail {

// A template, because before C++17 only a template's static members may be defined in a header.
template <class T> struct FactoryKeys {
    static const char *const LogPath;
    static const char *const ProducerId;
    static const char *const ConsumerId;
    static const char *const GroupId;
    static const char *const PublishTopics;
    static const char *const MsgContent;
    static const char *const ONSAddr;
    static const char *const AccessKey;
    static const char *const SecretKey;
    static const char *const MessageModel;
    static const char *const BROADCASTING;
    static const char *const CLUSTERING;
    static const char *const SendMsgTimeoutMillis;
    static const char *const SuspendTimeMillis;
    static const char *const NAMESRV_ADDR;
    static const char *const ConsumeThreadNums;
    static const char *const OnsChannel;
    static const char *const MaxMsgCacheSize;
    static const char *const MaxCachedMessageSizeInMiB;
    static const char *const OnsTraceSwitch;
    static const char *const SendMsgRetryTimes;
    static const char *const ConsumerInstanceName;
    static const char *const InstanceId;
    // Beyond the historical SDK.
    static const char *const MaxReconsumeTimes;
    static const char *const ConsumeTimeout;
    static const char *const CheckImmunityTimeInSeconds;
    static const char *const ConsumeFromWhere;
    static const char *const MaxCachedMessageAmount;
    static const char *const LogLevel;
    static const char *const LogFileMaxIndex;
    static const char *const LogFileSize;
    static const char *const FlushDiskType;
    static const char *const FileReservedTime;
    static const char *const DiskMaxUsedSpaceRatio;
};

template <class T> const char *const FactoryKeys<T>::LogPath = "LogPath";
template <class T> const char *const FactoryKeys<T>::ProducerId = "ProducerId";
template <class T> const char *const FactoryKeys<T>::ConsumerId = "ConsumerId";
template <class T> const char *const FactoryKeys<T>::GroupId = "GroupId";
template <class T> const char *const FactoryKeys<T>::PublishTopics = "PublishTopics";
template <class T> const char *const FactoryKeys<T>::MsgContent = "MsgContent";
template <class T> const char *const FactoryKeys<T>::ONSAddr = "ONSAddr";
template <class T> const char *const FactoryKeys<T>::AccessKey = "AccessKey";
template <class T> const char *const FactoryKeys<T>::SecretKey = "SecretKey";
template <class T> const char *const FactoryKeys<T>::MessageModel = "MessageModel";
template <class T> const char *const FactoryKeys<T>::BROADCASTING = "BROADCASTING";
template <class T> const char *const FactoryKeys<T>::CLUSTERING = "CLUSTERING";
template <class T> const char *const FactoryKeys<T>::SendMsgTimeoutMillis = "SendMsgTimeoutMillis";
template <class T> const char *const FactoryKeys<T>::SuspendTimeMillis = "SuspendTimeMillis";
template <class T> const char *const FactoryKeys<T>::NAMESRV_ADDR = "NAMESRV_ADDR";
template <class T> const char *const FactoryKeys<T>::ConsumeThreadNums = "ConsumeThreadNums";
template <class T> const char *const FactoryKeys<T>::OnsChannel = "OnsChannel";
template <class T> const char *const FactoryKeys<T>::MaxMsgCacheSize = "MaxMsgCacheSize";
template <class T> const char *const FactoryKeys<T>::MaxCachedMessageSizeInMiB = "MaxCachedMessageSizeInMiB";
template <class T> const char *const FactoryKeys<T>::OnsTraceSwitch = "OnsTraceSwitch";
template <class T> const char *const FactoryKeys<T>::SendMsgRetryTimes = "SendMsgRetryTimes";
template <class T> const char *const FactoryKeys<T>::ConsumerInstanceName = "ConsumerInstanceName";
template <class T> const char *const FactoryKeys<T>::InstanceId = "InstanceId";
template <class T> const char *const FactoryKeys<T>::MaxReconsumeTimes = "MaxReconsumeTimes";
template <class T> const char *const FactoryKeys<T>::ConsumeTimeout = "ConsumeTimeout";
template <class T>
const char *const FactoryKeys<T>::CheckImmunityTimeInSeconds = "CheckImmunityTimeInSeconds";
template <class T> const char *const FactoryKeys<T>::ConsumeFromWhere = "ConsumeFromWhere";
template <class T> const char *const FactoryKeys<T>::MaxCachedMessageAmount = "MaxCachedMessageAmount";
template <class T> const char *const FactoryKeys<T>::LogLevel = "LogLevel";
template <class T> const char *const FactoryKeys<T>::LogFileMaxIndex = "LogFileMaxIndex";
template <class T> const char *const FactoryKeys<T>::LogFileSize = "LogFileSize";
template <class T> const char *const FactoryKeys<T>::FlushDiskType = "FlushDiskType";
template <class T> const char *const FactoryKeys<T>::FileReservedTime = "FileReservedTime";
template <class T> const char *const FactoryKeys<T>::DiskMaxUsedSpaceRatio = "DiskMaxUsedSpaceRatio";

} // namespace detail
} // namespace ons

#endif
