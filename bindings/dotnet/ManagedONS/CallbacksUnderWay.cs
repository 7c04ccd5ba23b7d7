using System;
using System.Diagnostics;
using System.Threading;

namespace ons
{
    /// <summary>
    /// The callbacks of one producer that are still to run, or running. They run on the thread pool, whose threads end with the
    /// process: whoever ends the producer waits for them here.
    /// </summary>
    internal sealed class CallbacksUnderWay
    {
        [ThreadStatic]
        private static CallbacksUnderWay? s_inside;

        private readonly object _gate = new();
        private int _count;

        /// <summary>Before the send whose outcome a callback is to be told.</summary>
        public void Add() => Interlocked.Increment(ref _count);

        /// <summary>A callback that was added begins, on this thread.</summary>
        public void Enter() => s_inside = this;

        /// <summary>It ended.</summary>
        public void Leave()
        {
            s_inside = null;
            Remove();
        }

        /// <summary>One that was added will not run.</summary>
        public void Remove()
        {
            if (Interlocked.Decrement(ref _count) == 0)
            {
                lock (_gate)
                {
                    Monitor.PulseAll(_gate);
                }
            }
        }

        /// <summary>Waits for all of them, but not for one that waits itself.</summary>
        public void WaitForAll(TimeSpan limit)
        {
            bool isOwn = s_inside == this;
            if (isOwn)
            {
                Remove();
            }

            var waiting = Stopwatch.StartNew();
            lock (_gate)
            {
                TimeSpan left = limit;
                while (Volatile.Read(ref _count) != 0 && left > TimeSpan.Zero)
                {
                    Monitor.Wait(_gate, left);
                    left = limit - waiting.Elapsed;
                }
            }

            if (isOwn)
            {
                Add();
            }
        }
    }
}
