using System.Threading.Tasks;

namespace ons
{
    /// <summary>Sends messages. One producer serves all threads of a program.</summary>
    public class Producer
    {
        private readonly global::Ons.Producer _producer;

        internal Producer(global::Ons.Producer producer) => _producer = producer;

        /// <summary>Call it once, before the first send.</summary>
        public void start()
        {
            try
            {
                _producer.Start();
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Ends the producer for good; a second call does nothing.</summary>
        public void shutdown()
        {
            try
            {
                _producer.Shutdown();
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Sends and waits until the message is stored; when it does not throw, it is.</summary>
        public SendResultONS send(Message msg)
        {
            Require.NotNull(msg, nameof(msg));
            try
            {
                return new SendResultONS(_producer.Send(msg.Inner));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Sends without waiting; the task ends once the message is stored.</summary>
        public async Task<SendResultONS> sendAsync(Message msg)
        {
            Require.NotNull(msg, nameof(msg));
            try
            {
                return new SendResultONS(await _producer.SendAsync(msg.Inner).ConfigureAwait(false));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Sends without waiting; exactly one method of the callback runs, once, on a thread of the pool.</summary>
        public void sendAsync(Message msg, SendCallbackONS callback)
        {
            Require.NotNull(msg, nameof(msg));
            Require.NotNull(callback, nameof(callback));
            _producer.SendAsync(msg.Inner).ContinueWith(
                static (sent, state) => Tell((SendCallbackONS)state!, sent), callback, TaskScheduler.Default);
        }

        /// <summary>Sends without telling whether the message was stored.</summary>
        public void sendOneway(Message msg)
        {
            Require.NotNull(msg, nameof(msg));
            try
            {
                _producer.SendOneway(msg.Inner);
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        private static void Tell(SendCallbackONS callback, Task<global::Ons.SendResult> sent)
        {
            if (sent.Exception?.InnerException is not { } failure)
            {
                callback.onSuccess(new SendResultONS(sent.Result));
            }
            else if (failure is global::Ons.OnsException known)
            {
                callback.onException(new ONSClientException(known));
            }
            else
            {
                callback.onException(new ONSClientException(failure.Message, failure));
            }
        }
    }
}
