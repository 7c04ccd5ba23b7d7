using System;
using System.Threading.Tasks;

namespace ons
{
    /// <summary>Sends messages. One producer serves all threads of a program.</summary>
    public class Producer
    {
        // As long as the library waits for the sends themselves, unless told otherwise: the default time limit and a second.
        private static readonly TimeSpan s_callbackPatience = TimeSpan.FromSeconds(4);

        private readonly global::Ons.Producer _producer;
        private readonly CallbacksUnderWay _callbacks = new();

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

        /// <summary>
        /// Waits for sends under way, at most SendMsgTimeoutMillis and a second, and for their callbacks, at most 4 s, and ends the
        /// producer for good; a second call does nothing. A callback that calls it is not waited for, one that has not returned
        /// by then goes on alone.
        /// </summary>
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

            _callbacks.WaitForAll(s_callbackPatience);
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

        /// <summary>
        /// Sends without waiting until the message is stored; the task ends once it is. While the disk is behind the caller makes
        /// room: it writes what waits itself, or waits for the thread that does, at most SendMsgTimeoutMillis.
        /// </summary>
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

        /// <summary>The same; exactly one method of the callback runs, once, on a thread of the pool.</summary>
        public void sendAsync(Message msg, SendCallbackONS callback)
        {
            Require.NotNull(msg, nameof(msg));
            Require.NotNull(callback, nameof(callback));
            _callbacks.Add();
            Task<global::Ons.SendResult> sending;
            try
            {
                sending = _producer.SendAsync(msg.Inner);
            }
            catch
            {
                _callbacks.Remove();
                throw;
            }

            sending.ContinueWith(sent => TellAndLeave(callback, sent), TaskScheduler.Default);
        }

        /// <summary>Sends without telling whether the message was stored. Makes room as the others do.</summary>
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

        private void TellAndLeave(SendCallbackONS callback, Task<global::Ons.SendResult> sent)
        {
            _callbacks.Enter();
            try
            {
                Tell(callback, sent);
            }
            finally
            {
                _callbacks.Leave();
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
