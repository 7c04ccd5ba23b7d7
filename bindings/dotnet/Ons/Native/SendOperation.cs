using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Ons.Native
{
    /// <summary>
    /// What an asynchronous send hands to the library as user data. Operations are pooled together with their GCHandle and, when
    /// the send was done at once, with their unused task: such a send allocates only its completed task.
    /// </summary>
    internal sealed unsafe class SendOperation
    {
        // Beyond this, a burst's operations are left to the collector.
        private const int PooledMax = 4096;

        private static readonly ConcurrentQueue<SendOperation> s_pool = new();
        private static int s_pooled;

        private readonly GCHandle _self;
        private TaskCompletionSource<SendResult>? _completion;
        private string _topic = "";

        // Held so that a producer with unfinished sends is not collected.
        private Producer? _producer;

        private SendOperation() => _self = GCHandle.Alloc(this);

        /// <summary>Read it before the call: afterwards the operation may already serve another send.</summary>
        public Task<SendResult> Task => _completion!.Task;

        public void* UserData => (void*)GCHandle.ToIntPtr(_self);

        public static SendOperation Rent(Producer producer, string topic)
        {
            if (s_pool.TryDequeue(out SendOperation? operation))
            {
                Interlocked.Decrement(ref s_pooled);
            }
            else
            {
                operation = new SendOperation();
            }

            operation._completion ??= new TaskCompletionSource<SendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            operation._producer = producer;
            operation._topic = topic;
            return operation;
        }

        /// <summary>The library tells the outcome; at most once, before <see cref="Return"/>.</summary>
        public void Complete(ons_send_result* result, ons_error* error)
        {
            TaskCompletionSource<SendResult> completion = _completion!;
            _completion = null;
            try
            {
                if (error != null)
                {
                    completion.SetException(OnsException.Read(error));
                }
                else
                {
                    completion.SetResult(SendResult.Read(result, _topic));
                }
            }
            catch (OnsException e)
            {
                completion.TrySetException(e);
            }
        }

        /// <summary>The library will not use this operation again.</summary>
        public void Return()
        {
            _producer = null;
            _topic = "";
            if (Interlocked.Increment(ref s_pooled) <= PooledMax)
            {
                s_pool.Enqueue(this);
            }
            else
            {
                Interlocked.Decrement(ref s_pooled);
                _self.Free();
            }
        }
    }
}
