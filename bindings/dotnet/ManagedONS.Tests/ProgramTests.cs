using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using ons;
using Xunit;

namespace ManagedONS.Tests
{
    /// <summary>Guards against programs that do not build, do not find the native library, or do not run as the document shows.</summary>
    public class ProgramTests
    {
        private static readonly string s_dotnetFolder = Path.GetFullPath(Metadata("DotnetFolder"));

        [Fact]
        public void The_documents_sample_sends_and_its_message_arrives()
        {
            using var directory = new TestDirectory();
            RunSample(directory, "NormalSend");

            var property = new ONSFactoryProperty();
            property.setFactoryProperty(property.ConsumerId, "CID_test");
            property.setFactoryProperty(property.ONSAddr, "embedded:" + Path.Combine(directory.Path, "home"));
            PushConsumer consumer = new ONSFactory().getInstance().createPushConsumer(property);
            var listener = new Listener();
            consumer.subscribe("xxx", "*", listener);
            consumer.start();
            Assert.True(listener.Messages.TryTake(out Message? message, TestDirectory.Patience));
            consumer.shutdown();

            Assert.Equal(("TagA", "ORDERID_100", "xxx"), (message.getTag(), message.getKey(), message.getBody()));
            Assert.Empty(listener.Messages);
        }

        [Fact]
        public void The_documents_sample_consumes()
        {
            using var directory = new TestDirectory();
            RunSample(directory, "NormalSend");
            RunSample(directory, "Consume");
        }

        [Fact]
        public void A_users_project_builds_and_runs_with_nothing_else_set()
        {
            using var directory = new TestDirectory();
            string project = Directory.CreateDirectory(Path.Combine(directory.Path, "user project")).FullName;
            File.WriteAllText(
                Path.Combine(project, "user.csproj"),
                $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <OutputType>Exe</OutputType>
                    <TargetFramework>net10.0</TargetFramework>
                  </PropertyGroup>
                  <ItemGroup>
                    <ProjectReference Include="{Path.Combine(s_dotnetFolder, "ManagedONS", "ManagedONS.csproj")}" />
                  </ItemGroup>
                </Project>
                """);
            File.Copy(Path.Combine(s_dotnetFolder, "DocumentSamples", "NormalSend", "Program.cs"), Path.Combine(project, "Program.cs"));

            string published = Path.Combine(directory.Path, "published");
            Run(directory, ["build", project, "-c", Metadata("Configuration")]);
            Run(directory, ["exec", Path.Combine(project, "bin", Metadata("Configuration"), "net10.0", "user.dll")]);
            Run(directory, ["publish", project, "-c", Metadata("Configuration"), "-o", published]);
            Run(directory, ["exec", Path.Combine(published, "user.dll")]);
        }

        private static void RunSample(TestDirectory directory, string sample) => Run(
            directory,
            ["exec", Path.Combine(s_dotnetFolder, "DocumentSamples", sample, "bin", Metadata("Configuration"), "net10.0", sample + ".dll")]);

        private static void Run(TestDirectory directory, string[] arguments)
        {
            var start = new ProcessStartInfo("dotnet", arguments)
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                Environment = { ["ONS_HOME"] = Path.Combine(directory.Path, "home") },
            };
            start.Environment.Remove("LD_LIBRARY_PATH");
            if (arguments[0] == "exec")
            {
                // The log of the program goes there too; the SDK needs the real one.
                start.Environment["HOME"] = directory.Path;
            }

            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), $"dotnet {string.Join(' ', arguments)} does not end");
            Assert.True(process.ExitCode == 0 && errors.Result.Length == 0, $"dotnet {string.Join(' ', arguments)}: {process.ExitCode}\n{output.Result}\n{errors.Result}");
        }

        private static string Metadata(string key) => typeof(ProgramTests).Assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>().First(metadata => metadata.Key == key).Value!;

        private sealed class Listener : MessageListener
        {
            public BlockingCollection<Message> Messages { get; } = [];

            public override ons.Action consume(Message message, ConsumeContext context)
            {
                Messages.Add(message);
                return ons.Action.CommitMessage;
            }
        }
    }
}
