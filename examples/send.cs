#:project ../bindings/dotnet/Ons/Ons.csproj
#:property PublishAot=false

// Sends 10 messages to the broker in this process: no server, no address, no account.
// Run after `make`: dotnet run examples/send.cs
using Ons;

using var property = new FactoryProperty { ["GroupId"] = "GID_example" };
await using var producer = new Producer(property);
producer.Start();

for (int number = 1; number <= 10; number++)
{
    var message = new Message("greetings", "greeting", $"hello {number}");
    SendResult sent = await producer.SendAsync(message); // ends when it is on the disk
    Console.WriteLine($"sent {sent.MessageId}");
}
