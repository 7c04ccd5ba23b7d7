// Ends without shutting anything down, in the state its first argument names, or is killed, or repeats what it does many
// times; the tests look at how it ends.
using System;
using System.Globalization;
using System.Text;
using System.Threading;
using Ons;
using TestProgram;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int Number(int index) => int.Parse(args[index], CultureInfo.InvariantCulture);
switch (args)
{
    case ["write", _, string flush, _]:
        Writer.Run(args[1], flush, Number(3));
        Thread.Sleep(Timeout.Infinite);
        break;
    case ["cycles", _, _]:
        return Cycles.Run(args[1], Number(2));
    case ["shutdown-race", _, _, _]:
        return ShutdownRace.Run(args[1], Number(2), Number(3));
}

if (args is not [string mode, string address])
{
    Console.Error.WriteLine("usage: TestProgram MODE ADDRESS [ARGUMENTS]");
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

// Eight threads send, listeners come and go, and how it ends depends on the mode.
void StartBusyClients()
{
    var client = new Client(address);
    int calls = 0;
    PushConsumer consumer = client.StartConsumer("exit", _ =>
    {
        if (Interlocked.Increment(ref calls) == 100)
        {
            entered.Set();
        }

        return ConsumeAction.CommitMessage;
    });
    Producer sender = client.StartProducer();
    for (int i = 0; i < 8; i++)
    {
        new Thread(() => SendUntilClosed(sender)) { IsBackground = true }.Start();
    }

    entered.Wait();
    if (mode == "shutdown-at-exit")
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            consumer.Shutdown();
            sender.Shutdown();
            Console.WriteLine($"closed: {consumer.IsClosed && sender.IsClosed}");
        };
    }
    else if (mode == "unhandled")
    {
        throw new InvalidOperationException("nobody handles this");
    }
    else
    {
        Console.WriteLine("ready");
        Thread.Sleep(Timeout.Infinite);
    }
}

void SendUntilClosed(Producer sender)
{
    try
    {
        while (true)
        {
            _ = sender.SendAsync(new Message("exit", body));
            sender.Send(new Message("exit", body));
        }
    }
    catch (OnsException e) when (e.Status == OnsStatus.InvalidState)
    {
    }
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

    case "shutdown-at-exit":
    case "unhandled":
    case "waiting":
        StartBusyClients();
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
