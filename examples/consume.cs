#:project ../bindings/dotnet/Ons/Ons.csproj
#:property PublishAot=false

// Receives 10 messages from the broker in this process, as examples/send.* left them.
// Run after `make`: dotnet run examples/consume.cs
using System.Text;
using Ons;

using var property = new FactoryProperty { ["GroupId"] = "GID_example" };
using var tenReceived = new CountdownEvent(10);
object gate = new();

using var consumer = new PushConsumer(property);
consumer.Subscribe("greetings", "*", message =>
{
    lock (gate) // several threads call this at once
    {
        if (tenReceived.IsSet)
        {
            return ConsumeAction.ReconsumeLater; // more than this program asked for: leave it for the next
        }

        Console.WriteLine($"received {Encoding.UTF8.GetString(message.Body.Span)}");
        tenReceived.Signal();
        return ConsumeAction.CommitMessage;
    }
});
consumer.Start();
tenReceived.Wait();
