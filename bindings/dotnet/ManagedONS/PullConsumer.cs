namespace ons
{
    /// <summary>Fetches messages on request. This version makes none: see <see cref="ONSFactoryAPI.createPullConsumer"/>.</summary>
    public abstract class PullConsumer
    {
        private protected PullConsumer()
        {
        }

        /// <summary>Starts it.</summary>
        public abstract void start();

        /// <summary>Ends it for good.</summary>
        public abstract void shutdown();
    }
}
