using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading.Tasks;
using Ons;

namespace Bench
{
    /// <summary>Callers that await each send before the next.</summary>
    internal static class SendRows
    {
        private const int Callers = 64;

        /// <summary>One caller, 256 B: microseconds from the call to the line after the await.</summary>
        public static async Task<double> MedianOfOneByOne(BenchBroker broker)
        {
            byte[] body = new byte[256];
            await using Producer producer = broker.StartProducer();
            await OneByOne(producer, body, []);
            List<long> ticks = new(2_000_000);
            await OneByOne(producer, body, ticks);
            ticks.Sort();
            return Stopwatch.GetElapsedTime(0, ticks[ticks.Count / 2]).TotalMicroseconds;
        }

        /// <summary>64 callers, each with a durable 1 KiB message under way: messages a second.</summary>
        public static async Task<double> PerSecondOf64Callers(BenchBroker broker)
        {
            await using Producer producer = broker.StartProducer();
            await All(producer);
            return await All(producer);
        }

        private static async Task<double> All(Producer producer)
        {
            byte[] body = new byte[1024];
            var callers = new List<long>[Callers];
            long begin = Stopwatch.GetTimestamp();
            await Task.WhenAll(callers.Select((_, i) => Task.Run(() => OneByOne(producer, body, callers[i] = []))));
            return callers.Sum(caller => caller.Count) / Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }

        private static async Task OneByOne(Producer producer, byte[] body, List<long> ticks)
        {
            long begin = Stopwatch.GetTimestamp();
            long last = begin;
            while (Stopwatch.GetElapsedTime(begin, last) < Program.Length)
            {
                long start = Stopwatch.GetTimestamp();
                await producer.SendAsync(new Message(BenchBroker.Topic, BenchBroker.Tag, body));
                last = Stopwatch.GetTimestamp();
                ticks.Add(last - start);
            }
        }
    }
}
