using System;
using System.Diagnostics;
using System.Threading;

namespace Ons.Native
{
    /// <summary>
    /// A run of a listener that awaits. What it does after that runs on the thread pool, where the library does not know it: this
    /// mark goes along with it, to tell a shutdown that would wait for its own caller. What the listener starts and does not wait
    /// for has the mark too, and may well shut down, so the mark tells when the run has ended.
    /// </summary>
    /// <remarks>One is made for each message, so it is its own lock; nobody else sees it.</remarks>
    /// <param name="owner">Stands for the consumer, which a subscription must not keep alive.</param>
    internal sealed class AwaitingListener(object owner)
    {
        private static readonly AsyncLocal<AwaitingListener?> s_current = new();

        private bool _isEnded;
        private bool _isWaitedFor;

        /// <summary>Whether the caller belongs to a run of this owner's listeners that does not end within a limit.</summary>
        public static bool Outlasts(TimeSpan limit, object owner) => s_current.Value is { } run && run.IsOf(owner) && !run.EndsWithin(limit);

        public static ConsumeAction Run(AsyncMessageListener listener, Message message, object owner)
        {
            var run = new AwaitingListener(owner);
            s_current.Value = run;
            try
            {
                return listener(message).GetAwaiter().GetResult();
            }
            finally
            {
                s_current.Value = null;
                run.End();
            }
        }

        private bool IsOf(object owned) => owner == owned;

        private bool EndsWithin(TimeSpan limit)
        {
            var waiting = Stopwatch.StartNew();
            lock (this)
            {
                _isWaitedFor = true;
                while (!_isEnded)
                {
                    TimeSpan left = limit - waiting.Elapsed;
                    if (left <= TimeSpan.Zero || !Monitor.Wait(this, left))
                    {
                        return _isEnded;
                    }
                }

                return true;
            }
        }

        private void End()
        {
            lock (this)
            {
                _isEnded = true;
                if (_isWaitedFor)
                {
                    Monitor.PulseAll(this);
                }
            }
        }
    }
}
