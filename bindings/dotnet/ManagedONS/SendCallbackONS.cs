namespace ons
{
    /// <summary>Receives the outcome of an asynchronous send: exactly one of the two, exactly once, on a thread of the pool.</summary>
    public abstract class SendCallbackONS
    {
        /// <summary>The message is stored.</summary>
        public abstract void onSuccess(SendResultONS sendResult);

        /// <summary>The send failed.</summary>
        public abstract void onException(ONSClientException e);
    }
}
