// Sends COUNT (100 000) numbered messages of 1 KiB to the broker in this process and ends. Every one is on the disk when its
// task completes (FlushDiskType SYNC_FLUSH, the default); up to Window are under way at once, so that many share one flush.
//
// Prints send_p50_us and send_p99_us: from the call of SendAsync to the completion of its task, waiting for the flush included.
using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Ons;

const int Window = 2000;

int count = Demo.CountOf(args);
long[] micros = new long[count];
int sent = 0;
using var room = new SemaphoreSlim(Window);
using var property = new FactoryProperty { [FactoryPropertyKeys.ProducerId] = "PID_demo" };
await using var producer = new Producer(property);
producer.Start();

async Task SendAsync(int number)
{
    long start = Stopwatch.GetTimestamp();
    try
    {
        await producer.SendAsync(new Message(Demo.Topic, "TagA", number.ToString(), Demo.BodyOf(number)));
        micros[number] = (long)Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        Demo.ShowProgress("sent", Interlocked.Increment(ref sent), count);
    }
    finally
    {
        room.Release();
    }
}

var sends = new Task[count];
long begin = Stopwatch.GetTimestamp();
for (int number = 0; number < count; number++)
{
    await room.WaitAsync();
    sends[number] = SendAsync(number);
}

await Task.WhenAll(sends);
double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
Array.Sort(micros);
Console.WriteLine($"sent={sent} send_per_s={sent / seconds:F0} send_p50_us={Demo.Percentile(micros, 50)} send_p99_us={Demo.Percentile(micros, 99)}");
