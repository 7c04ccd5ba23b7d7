namespace Ons
{
    /// <summary>The keys of <see cref="FactoryProperty"/>.</summary>
    public static class FactoryPropertyKeys
    {
        /// <summary>The group of a producer: <c>PID_…</c> or <c>GID_…</c>.</summary>
        public const string ProducerId = "ProducerId";

        /// <summary>The group of a consumer: <c>CID_…</c> or <c>GID_…</c>.</summary>
        public const string ConsumerId = "ConsumerId";

        /// <summary>One group for producers and consumers: <c>GID_…</c>.</summary>
        public const string GroupId = "GroupId";

        /// <summary>Where to connect: <c>embedded:DIRECTORY</c>; unset is the embedded broker in <c>$ONS_HOME</c> or the user's data directory.</summary>
        public const string ONSAddr = "ONSAddr";

        /// <summary>Name servers of a remote broker.</summary>
        public const string NameSrvAddr = "NAMESRV_ADDR";

        /// <summary>The account's key; a remote broker needs it.</summary>
        public const string AccessKey = "AccessKey";

        /// <summary>The account's secret; a remote broker needs it.</summary>
        public const string SecretKey = "SecretKey";

        /// <summary><c>CLUSTERING</c> or <c>BROADCASTING</c>.</summary>
        public const string MessageModel = "MessageModel";

        /// <summary>Milliseconds a send may take; 3000.</summary>
        public const string SendMsgTimeoutMillis = "SendMsgTimeoutMillis";

        /// <summary>Further attempts of a failed synchronous send; 2.</summary>
        public const string SendMsgRetryTimes = "SendMsgRetryTimes";

        /// <summary>Threads that call listeners; 20.</summary>
        public const string ConsumeThreadNums = "ConsumeThreadNums";

        /// <summary>How often a failed message is delivered again before it goes to the dead-letter topic; 16.</summary>
        public const string MaxReconsumeTimes = "MaxReconsumeTimes";

        /// <summary>Minutes after which a listener counts as failed; 15.</summary>
        public const string ConsumeTimeout = "ConsumeTimeout";

        /// <summary>Messages fetched ahead of the listeners; 1000.</summary>
        public const string MaxMsgCacheSize = "MaxMsgCacheSize";

        /// <summary>Mebibytes fetched ahead of the listeners; 512.</summary>
        public const string MaxCachedMessageSizeInMiB = "MaxCachedMessageSizeInMiB";

        /// <summary>Where a new group starts: <c>FIRST</c>, <c>LAST</c>, or an epoch time in milliseconds.</summary>
        public const string ConsumeFromWhere = "ConsumeFromWhere";

        /// <summary>The log's directory or file.</summary>
        public const string LogPath = "LogPath";

        /// <summary><c>ERROR</c>, <c>WARN</c>, <c>INFO</c> or <c>DEBUG</c>.</summary>
        public const string LogLevel = "LogLevel";

        /// <summary>Of the embedded broker: <c>SYNC_FLUSH</c> (acknowledged is on the device) or <c>ASYNC_FLUSH</c> (in the operating system).</summary>
        public const string FlushDiskType = "FlushDiskType";

        /// <summary>Of the embedded broker: hours a message is kept; 72.</summary>
        public const string FileReservedTime = "FileReservedTime";

        /// <summary>Of the embedded broker: percent of the disk from which the oldest messages go early; 75.</summary>
        public const string DiskMaxUsedSpaceRatio = "DiskMaxUsedSpaceRatio";
    }
}
