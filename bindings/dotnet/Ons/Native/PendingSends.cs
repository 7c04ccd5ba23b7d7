using System;
using System.Threading;
using System.Threading.Tasks;

namespace Ons.Native
{
    /// <summary>
    /// The asynchronous sends of this process that are under way. The library knows each by its number, and wakes the thread pool
    /// once for all that have ended meanwhile: a call for each, on a thread of its own, would wake two threads a message.
    /// </summary>
    internal sealed unsafe class PendingSends
#if NET
        : IThreadPoolWorkItem
#endif
    {
        private const int TakenMax = 256;
        private const int NoSlot = -1;

        private static readonly Lazy<PendingSends> s_shared = new(() => new PendingSends());

        // A completion source that a send which was done at once has not used.
        [ThreadStatic]
        private static TaskCompletionSource<SendResult>? s_unused;

        private readonly ons_completions* _completions;
        private readonly object _slotsGate = new();

        // Held while sends are taken and their tasks ended, which runs nothing of the program.
        private readonly object _takingGate = new();
        private readonly Slot[] _taken = new Slot[TakenMax];
        private readonly ulong[] _tokens = new ulong[TakenMax];
        private readonly byte[] _messageIds = new byte[TakenMax * UniqueId.Digits];
        private readonly int[] _queueIds = new int[TakenMax];
        private readonly long[] _queueOffsets = new long[TakenMax];
        private readonly IntPtr[] _errors = new IntPtr[TakenMax];

        private Slot[] _slots = [];
        private int _firstFree = NoSlot;

        // Lives as long as the process, and so does what it is made for.
        private PendingSends()
        {
            ons_completions* completions;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_completions_new(Callbacks.SendsEnded, Callbacks.Hold(this), Callbacks.FreeTarget, &completions, &error), error);
            _completions = completions;
        }

        public static PendingSends Shared => s_shared.Value;

        public ons_completions* Pointer => _completions;

        /// <summary>Ends the tasks of all sends that the library has told of.</summary>
        public static void Settle()
        {
            if (s_shared.IsValueCreated)
            {
                Shared.Take();
            }
        }

        /// <summary>Before the call that sends: its end may be told before it returns.</summary>
        public ulong Add(Producer producer, string topic, out Task<SendResult> sending)
        {
            TaskCompletionSource<SendResult> completion = s_unused ?? new TaskCompletionSource<SendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            s_unused = null;
            sending = completion.Task;
            lock (_slotsGate)
            {
                if (_firstFree == NoSlot)
                {
                    Grow();
                }

                int index = _firstFree;
                _firstFree = _slots[index].NextFree;
                _slots[index] = new Slot { Completion = completion, Topic = topic, Producer = producer };
                return (ulong)index;
            }
        }

        /// <summary>After a call that sent at once, or failed: nothing will be told of it.</summary>
        public void Remove(ulong token)
        {
            lock (_slotsGate)
            {
                s_unused = Free(token).Completion;
            }
        }

        /// <summary>The library has something to tell. Called on a thread of its own, which must not be held up.</summary>
        public void TakeSoon()
        {
#if NET
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
#else
            ThreadPool.UnsafeQueueUserWorkItem(static self => ((PendingSends)self!).Take(), this);
#endif
        }

#if NET
        void IThreadPoolWorkItem.Execute() => Take();
#endif

        private void Take()
        {
            lock (_takingGate)
            {
                int count;
                do
                {
                    count = TakeSome();
                }
                while (count == TakenMax);
            }
        }

        private int TakeSome()
        {
            int count = Collect();
            lock (_slotsGate)
            {
                for (int i = 0; i < count; i++)
                {
                    _taken[i] = Free(_tokens[i]);
                }
            }

            fixed (byte* ids = _messageIds)
            {
                for (int i = 0; i < count; i++)
                {
                    End(in _taken[i], i, ids + (i * UniqueId.Digits));
                }
            }

            Array.Clear(_taken, 0, count);
            return count;
        }

        private int Collect()
        {
            fixed (ulong* tokens = _tokens)
            fixed (byte* messageIds = _messageIds)
            fixed (int* queueIds = _queueIds)
            fixed (long* queueOffsets = _queueOffsets)
            fixed (IntPtr* errors = _errors)
            {
                nuint count;
                ons_error* error;
                OnsException.Check(
                    NativeMethods.ons_completions_take(_completions, TakenMax, tokens, messageIds, queueIds, queueOffsets, (ons_error**)errors, &count, &error),
                    error);
                return (int)count;
            }
        }

        private void End(in Slot send, int index, byte* messageId)
        {
            TaskCompletionSource<SendResult> completion = send.Completion!;
            var error = (ons_error*)_errors[index];
            if (error != null)
            {
                completion.SetException(OnsException.Take(error));
            }
            else
            {
                try
                {
                    completion.SetResult(SendResult.Of(send.Topic!, messageId, _queueIds[index], _queueOffsets[index]));
                }
                catch (OnsException e)
                {
                    completion.SetException(e);
                }
            }
        }

        private Slot Free(ulong token)
        {
            int index = (int)token;
            Slot slot = _slots[index];
            _slots[index] = new Slot { NextFree = _firstFree };
            _firstFree = index;
            return slot;
        }

        private void Grow()
        {
            int used = _slots.Length;
            Array.Resize(ref _slots, Math.Max(64, 2 * used));
            for (int i = _slots.Length - 1; i >= used; i--)
            {
                _slots[i].NextFree = _firstFree;
                _firstFree = i;
            }
        }

        private struct Slot
        {
            public TaskCompletionSource<SendResult>? Completion;
            public string? Topic;

            // Held so that a producer with unfinished sends is not collected.
            public Producer? Producer;
            public int NextFree;
        }
    }
}
