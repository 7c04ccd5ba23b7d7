using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Ons;

namespace TestProgram
{
    /// <summary>
    /// Shuts clients down while eight threads send. Every send ends as stored or as refused, and as many are in the log as were
    /// told to be.
    /// </summary>
    internal static class ShutdownRace
    {
        private const int Threads = 8;
        private const int RoundsPerDirectory = 50;
        private const string Topic = "race";
        private static long s_stored;
        private static long s_begun;
        private static Exception? s_unexpected;

        public static int Run(string address, int rounds, int seed)
        {
            var random = new Random(seed);
            long stored = 0;
            for (int round = 0; round < rounds; round += RoundsPerDirectory)
            {
                string directory = $"{address}/{round}";
                var client = new Client(directory);
                for (int i = round; i < Math.Min(rounds, round + RoundsPerDirectory); i++)
                {
                    RunOnce(client, random);
                    if (s_unexpected is not null)
                    {
                        Console.Error.WriteLine($"seed {seed}, round {i}: {s_unexpected}");
                        return 1;
                    }
                }

                using (EmbeddedBroker broker = client.OpenBroker())
                {
                    stored += broker.Backlog("GID_never_here", Topic);
                }

                if (stored != s_stored)
                {
                    Console.Error.WriteLine($"seed {seed}, up to round {round + RoundsPerDirectory}: {s_stored} told as stored, {stored} in the log");
                    return 1;
                }

                Directory.Delete(directory["embedded:".Length..], recursive: true);
            }

            Console.WriteLine(
                $"prove: shutdown against sends in .NET: {rounds} rounds with {Threads} threads (seed {seed}), {s_stored} sends told as stored, as many in the log, 0 hung");
            return 0;
        }

        /// <summary>By Shutdown, by Dispose, by DisposeAsync, by two at once; the consumer before or after.</summary>
        private static void RunOnce(Client client, Random random)
        {
            PushConsumer consumer = client.StartConsumer(Topic, _ => ConsumeAction.CommitMessage, threads: "2");
            Producer producer = client.StartProducer();
            Volatile.Write(ref s_begun, 0);
            var senders = new List<Thread>();
            for (int i = 0; i < Threads; i++)
            {
                bool isAsynchronous = i % 2 == 0;
                var sender = new Thread(() => SendUntilRefused(producer, isAsynchronous));
                sender.Start();
                senders.Add(sender);
            }

            int sends = random.Next(400);
            SpinWait.SpinUntil(() => Interlocked.Read(ref s_begun) >= sends);
            if (random.Next(2) == 0)
            {
                consumer.Dispose();
            }

            End(producer, random.Next(4));
            senders.ForEach(sender => sender.Join());
            consumer.Dispose();
            producer.Dispose();
        }

        private static void End(Producer producer, int way)
        {
            switch (way)
            {
                case 0:
                    producer.Shutdown();
                    break;
                case 1:
                    producer.Dispose();
                    break;
                case 2:
                    producer.DisposeAsync().AsTask().GetAwaiter().GetResult();
                    break;
                default:
                    Parallel.Invoke(producer.Dispose, producer.Dispose);
                    break;
            }
        }

        private static void SendUntilRefused(Producer producer, bool isAsynchronous)
        {
            var sending = new List<Task<SendResult>>();
            try
            {
                while (true)
                {
                    Interlocked.Increment(ref s_begun);
                    var message = new Message(Topic, "tag", "body");
                    if (isAsynchronous)
                    {
                        Task<SendResult> task = producer.SendAsync(message);
                        sending.Add(task);
                        if (task.IsFaulted)
                        {
                            break;
                        }
                    }
                    else
                    {
                        producer.Send(message);
                        Interlocked.Increment(ref s_stored);
                    }
                }
            }
            catch (Exception e) when (IsRefusal(e))
            {
            }
            catch (Exception e)
            {
                s_unexpected = e;
            }

            sending.ForEach(Count);
        }

        private static void Count(Task<SendResult> task)
        {
            try
            {
                task.GetAwaiter().GetResult();
                Interlocked.Increment(ref s_stored);
            }
            catch (Exception e) when (IsRefusal(e))
            {
            }
            catch (Exception e)
            {
                s_unexpected = e;
            }
        }

        private static bool IsRefusal(Exception exception) =>
            exception is ObjectDisposedException or OnsException { Status: OnsStatus.InvalidState, Stored: Stored.No };
    }
}
