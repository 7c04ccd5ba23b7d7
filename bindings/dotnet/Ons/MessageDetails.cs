using System.Collections.Generic;

namespace Ons
{
    /// <summary>What only received or unusual messages carry, kept apart so that an ordinary send allocates little.</summary>
    internal sealed class MessageDetails
    {
        /// <summary>An id that is not the 16 bytes our own producers make.</summary>
        public string? ForeignMessageId;
        public Dictionary<string, string>? Properties;
        public Dictionary<string, string>? SystemProperties;
        public long StartDeliverTimeMs;
        public long StoreTimestampMs;
        public long BornTimestampMs;
        public long QueueOffset;
        public int QueueId;
        public int ReconsumeTimes;

        /// <summary>Whether a send has to tell the library any of it.</summary>
        public bool GoesOut => Properties is not null || SystemProperties is not null || StartDeliverTimeMs != 0;

        public MessageDetails Clone()
        {
            var copy = (MessageDetails)MemberwiseClone();
            copy.Properties = Properties is null ? null : new Dictionary<string, string>(Properties);
            copy.SystemProperties = SystemProperties is null ? null : new Dictionary<string, string>(SystemProperties);
            return copy;
        }
    }
}
