namespace ons
{
    /// <summary>Tells of a stored message.</summary>
    public class SendResultONS
    {
        private string _messageId = "";

        /// <summary>A result without an id.</summary>
        public SendResultONS()
        {
        }

        internal SendResultONS(global::Ons.SendResult result) => _messageId = result.MessageId;

        /// <summary>The message's id.</summary>
        public string getMessageId() => _messageId;

        /// <summary>Sets the id.</summary>
        public void setMessageId(string messageId) => _messageId = Require.NotNull(messageId, nameof(messageId));
    }
}
