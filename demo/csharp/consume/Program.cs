// Consumes the COUNT (100 000) messages an earlier program sent, and ends. The number in each body tells what is missing and
// what came twice.
//
// Prints age_p50_ms and age_p99_ms: from the moment the broker stored a message to the entry of the listener, the pause between
// the two programs included. consume_per_s counts from Start() to the last message.
using System;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Ons;

// Nothing new for so long: what is missing now will not come.
TimeSpan patience = TimeSpan.FromSeconds(30);

int count = Demo.CountOf(args);
int[] seen = new int[count];
var ages = new List<long>(count);
int duplicated = 0;
int strange = 0;
object gate = new();
using var somethingNew = new AutoResetEvent(false);

ConsumeAction Consume(Message message)
{
    long age = (long)(DateTimeOffset.UtcNow - message.StoreTimestamp).TotalMilliseconds;
    ReadOnlySpan<byte> body = message.Body.Span;
    bool isOurs = Utf8Parser.TryParse(body, out int number, out _) && number >= 0 && number < count && body.SequenceEqual(Demo.BodyOf(number));
    lock (gate)
    {
        if (!isOurs)
        {
            strange++;
        }
        else if (seen[number]++ != 0)
        {
            duplicated++;
        }
        else
        {
            ages.Add(age);
            Demo.ShowProgress("consumed", ages.Count, count);
            somethingNew.Set();
        }
    }

    return ConsumeAction.CommitMessage;
}

bool IsComplete()
{
    lock (gate)
    {
        return ages.Count == count;
    }
}

using var property = new FactoryProperty { [FactoryPropertyKeys.ConsumerId] = "CID_demo" };
using var consumer = new PushConsumer(property);
consumer.Subscribe(Demo.Topic, "*", Consume);
long begin = Stopwatch.GetTimestamp();
consumer.Start();
while (!IsComplete() && somethingNew.WaitOne(patience))
{
}

double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
consumer.Shutdown();
long[] sorted = [.. ages];
Array.Sort(sorted);
int missing = count - sorted.Length;
Console.WriteLine($"consumed={sorted.Length} missing={missing} duplicated={duplicated} strange={strange} consume_per_s={sorted.Length / seconds:F0} "
    + $"age_p50_ms={Demo.Percentile(sorted, 50)} age_p99_ms={Demo.Percentile(sorted, 99)}");
return missing == 0 && duplicated == 0 && strange == 0 ? 0 : 1;
