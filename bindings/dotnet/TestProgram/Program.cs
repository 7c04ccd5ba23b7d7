// Ends without shutting anything down, in the state its first argument names; the tests look at how it ends.
using System;
using System.Text;
using System.Threading;
using Ons;

if (args is not [string mode, string address])
{
    Console.Error.WriteLine("usage: TestProgram MODE ADDRESS");
    return 2;
}

const int ExpectedExitCode = 7;
byte[] body = Encoding.UTF8.GetBytes("hello");
using var entered = new ManualResetEventSlim();

Producer StartProducer()
{
    var producer = new Producer(new FactoryProperty { ["ProducerId"] = "GID_exit", ["ONSAddr"] = address });
    producer.Start();
    return producer;
}

void StartConsumer(MessageListener listener)
{
    var consumer = new PushConsumer(new FactoryProperty { ["ConsumerId"] = "GID_exit", ["ONSAddr"] = address });
    consumer.Subscribe("exit", "*", listener);
    consumer.Start();
}

switch (mode)
{
    case "idle":
        StartProducer();
        StartConsumer(_ => ConsumeAction.CommitMessage);
        break;

    case "listening":
        // A listener that never comes back is running while the process ends.
        StartConsumer(_ =>
        {
            entered.Set();
            Thread.Sleep(Timeout.Infinite);
            return ConsumeAction.CommitMessage;
        });
        StartProducer().Send(new Message("exit", body));
        entered.Wait();
        break;

    case "busy":
        // Listeners and send callbacks come and go while the process ends.
        int received = 0;
        StartConsumer(_ =>
        {
            if (Interlocked.Increment(ref received) == 100)
            {
                entered.Set();
            }

            return ConsumeAction.CommitMessage;
        });
        Producer producer = StartProducer();
        new Thread(() =>
        {
            while (true)
            {
                _ = producer.SendAsync(new Message("exit", body));
                if (Volatile.Read(ref received) < 100)
                {
                    producer.Send(new Message("exit", body));
                }
            }
        })
        { IsBackground = true }.Start();
        entered.Wait();
        break;

    case "exit-in-listener":
        StartConsumer(_ =>
        {
            Environment.Exit(ExpectedExitCode);
            return ConsumeAction.CommitMessage;
        });
        StartProducer().Send(new Message("exit", body));
        entered.Wait();
        break;

    default:
        Console.Error.WriteLine($"no mode {mode}");
        return 2;
}

return ExpectedExitCode;
