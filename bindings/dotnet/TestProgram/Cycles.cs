using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Ons;

namespace TestProgram
{
    /// <summary>Opens, sends, consumes and closes many times, and looks at what is left behind.</summary>
    /// <remarks>
    /// The first half is for what the runtime makes once: compiled code, pool threads, buffers of the collector. Lines are fitted
    /// to the second half. The managed heap after a full collection is nearly exact: a handle that stays costs 32 bytes and more a
    /// cycle. Resident memory moves by megabytes with both allocators, so that a short run has a limit instead of a line.
    /// </remarks>
    internal static class Cycles
    {
        private const int CyclesPerDirectory = 500;
        private const int SamplesMax = 500;
        private const int EnoughForALine = 5000;
        private const double HeapBytesMax = 24;
        private const double HeapBytesMaxAtFirst = 4096;
        private const double ResidentBytesMax = 512;
        private const long ResidentLimit = 256 << 20;
        /// <summary>The runtime's own pool may have grown by a few.</summary>
        private const int ThreadsSlack = 4;

        public static int Run(string address, int count)
        {
            var begun = Stopwatch.StartNew();
            var heap = new Line();
            var resident = new Line();
            int threads = 0;
            List<string> descriptors = [];
            int step = Math.Max(1, count / 2 / SamplesMax);
            for (int i = 0; i < count; i++)
            {
                RunOnce(new Client($"{address}/{i / CyclesPerDirectory}")).GetAwaiter().GetResult();
                if (i < count / 2 || i % step != 0)
                {
                    continue;
                }

                heap.Add(i, GC.GetTotalMemory(forceFullCollection: true));
                using var self = Process.GetCurrentProcess();
                resident.Add(i, self.WorkingSet64);
                if (threads == 0)
                {
                    threads = self.Threads.Count;
                    descriptors = Descriptors();
                }

                List<string> open = Descriptors();
                if (self.Threads.Count > threads + ThreadsSlack || open.Count > descriptors.Count)
                {
                    Console.Error.WriteLine($"cycle {i}: {self.Threads.Count} threads, there were {threads}; {open.Count} descriptors, there were {descriptors.Count}");
                    Console.Error.WriteLine($"there were: {string.Join(", ", descriptors)}");
                    Console.Error.WriteLine($"there are: {string.Join(", ", open)}");
                    return 1;
                }
            }

            using var end = Process.GetCurrentProcess();
            Console.WriteLine(
                $"prove: cycles through .NET: {count} of open, send, consume, close in {begun.Elapsed.TotalSeconds:F0} s; left behind: {end.Threads.Count - threads} threads, {Descriptors().Count - descriptors.Count} descriptors, {heap.Slope:F1} managed and {resident.Slope:F1} resident bytes a cycle, {end.WorkingSet64 >> 10} KiB resident in the end");
            bool isLong = count >= EnoughForALine;
            bool isFlat = heap.Slope < (isLong ? HeapBytesMax : HeapBytesMaxAtFirst)
                && (!isLong || resident.Slope < ResidentBytesMax)
                && end.WorkingSet64 < ResidentLimit;
            return isFlat ? 0 : 1;
        }

        private static async Task RunOnce(Client client)
        {
            using var received = new CountdownEvent(2);
            PushConsumer consumer = client.StartConsumer("cycle", _ =>
            {
                received.Signal();
                return ConsumeAction.CommitMessage;
            });
            await using (consumer.ConfigureAwait(false))
            {
                using Producer producer = client.StartProducer();
                producer.Send(new Message("cycle", "a", "body"));
                await producer.SendAsync(new Message("cycle", "a", "body")).ConfigureAwait(false);
                received.Wait();
            }
        }

        /// <summary>What is open, but for what the runtime opens when it first needs it: assemblies, and a pair of pipes for a thread of its own. The library uses no pipes.</summary>
        private static List<string> Descriptors()
        {
            IEnumerable<string> targets = Directory.GetFileSystemEntries("/proc/self/fd").Select(entry => new FileInfo(entry).LinkTarget ?? "closed meanwhile");
            return targets.Where(target => !target.EndsWith(".dll", StringComparison.Ordinal) && !target.StartsWith("pipe:", StringComparison.Ordinal)).Order().ToList();
        }

        /// <summary>A straight line fitted to samples.</summary>
        private sealed class Line
        {
            private double _count;
            private double _x;
            private double _y;
            private double _xx;
            private double _xy;

            public double Slope => ((_count * _xy) - (_x * _y)) / ((_count * _xx) - (_x * _x));

            public void Add(double x, double y)
            {
                _count++;
                _x += x;
                _y += y;
                _xx += x * x;
                _xy += x * y;
            }
        }
    }
}
