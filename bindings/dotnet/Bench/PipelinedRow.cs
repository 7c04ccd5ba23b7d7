using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Ons;

namespace Bench
{
    /// <summary>One caller with many sends under way, 1 KiB each, and a consumer of all of them in the same process.</summary>
    internal static class PipelinedRow
    {
        public const int Window = 1024;

        /// <summary>Messages a second, until the last one was both acknowledged and consumed.</summary>
        public static async Task<double> PerSecond(BenchBroker broker)
        {
            long consumed = 0;
            await using Producer producer = broker.StartProducer();
            await using PushConsumer consumer = broker.StartConsumer(_ =>
            {
                Interlocked.Increment(ref consumed);
                return ConsumeAction.CommitMessage;
            });

            long sent = 1 + await SendFor(producer, TimeSpan.FromTicks(Program.Length.Ticks / 2));
            await Until(() => Volatile.Read(ref consumed) >= sent);
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            long begin = Stopwatch.GetTimestamp();
            long measured = await SendFor(producer, Program.Length);
            double sendSeconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            await Until(() => Volatile.Read(ref consumed) >= sent + measured);
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            await Console.Error.WriteLineAsync($"pipelined: {measured} messages, sent in {sendSeconds:F2} s, consumed {seconds - sendSeconds:F2} s later, {(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / measured:F2} us of CPU each");
            return measured / seconds;
        }

        public static async Task<long> SendFor(Producer producer, TimeSpan length)
        {
            byte[] body = new byte[1024];
            var window = new Task<SendResult>?[Window];
            long begin = Stopwatch.GetTimestamp();
            long count = 0;
            while ((count & 0xff) != 0 || Stopwatch.GetElapsedTime(begin) < length)
            {
                ref Task<SendResult>? place = ref window[count % Window];
                if (place is { } oldest)
                {
                    await oldest;
                }

                window[count % Window] = producer.SendAsync(new Message(BenchBroker.Topic, BenchBroker.Tag, body));
                count++;
            }

            foreach (Task<SendResult>? last in window)
            {
                await (last ?? Task.FromResult(default(SendResult)));
            }

            return count;
        }

        private static async Task Until(Func<bool> condition)
        {
            while (!condition())
            {
                await Task.Delay(1);
            }
        }
    }
}
