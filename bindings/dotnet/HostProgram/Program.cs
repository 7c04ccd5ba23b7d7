// A web application as people write them: the producer is a singleton that the container disposes, the consumer is started
// and disposed by a hosted service, both are busy all the time. Says "ready" when it is, "stopped" when the host has stopped.
using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Ons;

string address = args[0];

FactoryProperty Property(string id) => new()
{
    [id] = "GID_host",
    ["ONSAddr"] = address,
    ["FlushDiskType"] = "ASYNC_FLUSH",
};

WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.Logging.ClearProviders();
builder.Services.AddSingleton(_ =>
{
    using FactoryProperty property = Property("ProducerId");
    var producer = new Producer(property);
    producer.Start();
    return producer;
});
builder.Services.AddHostedService(services => new Worker(
    services.GetRequiredService<Producer>(), Property("ConsumerId"), services.GetRequiredService<IHostApplicationLifetime>()));
WebApplication application = builder.Build();
application.Urls.Add("http://127.0.0.1:0");
application.MapPost("/send", async (Producer producer) => (await producer.SendAsync(new Message("host", "a", "body"))).MessageId);
await application.RunAsync();
Console.WriteLine("stopped");

/// <summary>Consumes, and sends what it consumes again, until the host stops.</summary>
internal sealed class Worker(Producer producer, FactoryProperty property, IHostApplicationLifetime lifetime) : BackgroundService
{
    private const int MessagesToBeReady = 50;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A host that is stopped while its web server starts ends with an exception of its own.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.ConfigureAwait(false);
        int received = 0;
        await using var consumer = new PushConsumer(property);
        consumer.Subscribe("host", "*", async message =>
        {
            if (Interlocked.Increment(ref received) == MessagesToBeReady)
            {
                Console.WriteLine("ready");
            }

            // The host may have disposed the producer by now: then the message stays for the next time.
            await producer.SendAsync(new Message("host", "a", "body"), CancellationToken.None).ConfigureAwait(false);
            return ConsumeAction.CommitMessage;
        });
        consumer.Start();
        for (int i = 0; i < 10; i++)
        {
            await producer.SendAsync(new Message("host", "a", "body"), stoppingToken).ConfigureAwait(false);
        }

        await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(false);
    }
}
