using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Ons;

namespace TestProgram
{
    /// <summary>
    /// Sends on eight threads and consumes until it is killed, and says what was acknowledged (a send has returned) and what
    /// was delivered (a listener was called). Every body begins with the number of its thread and its own.
    /// </summary>
    internal static class Writer
    {
        public const string Topic = "crash";

        private const int ThreadsBlocked = 4;
        private const int ThreadsAsynchronous = 4;
        private const int OutstandingMax = 100;
        private static readonly int[] s_messages = [3, 50, 700];
        private static readonly Stream s_output = Console.OpenStandardOutput();

        public static void Run(string address, string flush, int run)
        {
            var client = new Client(address, flush);
            Say("opening");
            Producer producer = client.StartProducer();
            Say("open");
            new Thread(() => ConsumeOnAndOff(client)).Start();
            for (int i = 0; i < ThreadsBlocked + ThreadsAsynchronous; i++)
            {
                int thread = (run * 100) + i;
                var sending = new Thread(i < ThreadsBlocked
                    ? () => SendBlocked(producer, thread)
                    : () => SendAsynchronously(producer, thread).GetAwaiter().GetResult());
                sending.Start();
            }
        }

        /// <summary>A consumer ends after some messages, whatever else it fetched: that is when offsets are committed.</summary>
        private static void ConsumeOnAndOff(Client client)
        {
            for (int round = 0; ; round++)
            {
                using var consumed = new SemaphoreSlim(0);
                using PushConsumer consumer = client.StartConsumer(
                    Topic,
                    message =>
                    {
                        string[] words = Encoding.ASCII.GetString(message.Body.Span).Split(' ');
                        Say($"got {words[0]} {words[1]}");
                        consumed.Release();
                        return ConsumeAction.CommitMessage;
                    },
                    threads: "2");
                for (int left = s_messages[round % s_messages.Length]; left > 0; left--)
                {
                    consumed.Wait();
                }

                consumer.Shutdown();
            }
        }

        private static void SendBlocked(Producer producer, int thread)
        {
            for (int number = 0; ; number++)
            {
                producer.Send(NewMessage(thread, number));
                Say($"ack {thread} {number}");
            }
        }

        private static async Task SendAsynchronously(Producer producer, int thread)
        {
            using var free = new SemaphoreSlim(OutstandingMax);
            for (int number = 0; ; number++)
            {
                await free.WaitAsync().ConfigureAwait(false);
                _ = Acknowledge(producer.SendAsync(NewMessage(thread, number)), thread, number, free);
            }
        }

        private static async Task Acknowledge(Task<SendResult> sending, int thread, int number, SemaphoreSlim free)
        {
            try
            {
                await sending.ConfigureAwait(false);
                Say($"ack {thread} {number}");
            }
            catch (OnsException e)
            {
                Say($"failed {thread} {number} {e.Message}");
            }

            free.Release();
        }

        private static Message NewMessage(int thread, int number)
        {
            // Bodies of many sizes: a word, a page, more than one write.
            int padding = (number % 50) switch
            {
                0 => 40_000,
                < 5 => 4_000,
                _ => 20,
            };
            return new Message(Topic, "tag", string.Create(CultureInfo.InvariantCulture, $"{thread} {number} {new string('x', padding)}"));
        }

        /// <summary>One line in one write, so that a kill cannot cut it.</summary>
        private static void Say(string line) => s_output.Write(Encoding.ASCII.GetBytes(line + " .\n"));
    }
}
