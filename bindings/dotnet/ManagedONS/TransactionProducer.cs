namespace ons
{
    /// <summary>The outcome of a local transaction.</summary>
    public enum TransactionStatus
    {
        /// <summary>Deliver the message.</summary>
        CommitTransaction = 0,

        /// <summary>Drop the message.</summary>
        RollbackTransaction = 1,

        /// <summary>Not known yet: ask again.</summary>
        Unknow = 2,
    }

    /// <summary>Runs the local transaction that a message belongs to.</summary>
    public abstract class LocalTransactionExecuter
    {
        /// <summary>Called once the message is stored, and before anybody can receive it.</summary>
        public abstract TransactionStatus execute(Message msg);
    }

    /// <summary>Answers for transactions whose outcome the broker does not know.</summary>
    public abstract class LocalTransactionChecker
    {
        /// <summary>Called on a thread of the library, maybe in a later process than the one that sent the message.</summary>
        public abstract TransactionStatus check(Message msg);
    }

    /// <summary>Sends messages within transactions. This version makes none: see <see cref="ONSFactoryAPI"/>.</summary>
    public abstract class TransactionProducer
    {
        private protected TransactionProducer()
        {
        }

        /// <summary>Starts it.</summary>
        public abstract void start();

        /// <summary>Ends it for good.</summary>
        public abstract void shutdown();

        /// <summary>Stores the message, runs the transaction, and delivers or drops the message.</summary>
        public abstract SendResultONS send(Message msg, LocalTransactionExecuter executer);

        /// <summary>The same, as the document's samples write it.</summary>
        public SendResultONS send(Message msg, ref LocalTransactionExecuter executer) => send(msg, executer);
    }
}
