using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Another program of this solution in a process of its own, with a home of its own, that must not hang.</summary>
    internal sealed class ProgramRun : IDisposable
    {
        private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("ons-home-");
        private readonly StringBuilder _errors = new();
        private readonly Process _process;

        public ProgramRun(string program, Action<string> lineWritten, params string[] arguments)
        {
            // What a shell starts in the background inherits that SIGINT is ignored.
            string[] command = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet", "exec"] : ["dotnet", "exec"];
            var start = new ProcessStartInfo(command[0], [.. command[1..], Path.Combine(AppContext.BaseDirectory, program + ".dll")])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                // A crash is expected of some, its dump is not wanted.
                Environment = { ["HOME"] = _home.FullName, ["DOTNET_DbgEnableMiniDump"] = "0" },
            };
            foreach (string argument in arguments)
            {
                start.ArgumentList.Add(argument);
            }

            _process = Process.Start(start)!;
            _process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is not null)
                {
                    lineWritten(line.Data);
                }
            };
            _process.ErrorDataReceived += (_, line) => _errors.AppendLine(line.Data);
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }

        public static bool IsWhole => Environment.GetEnvironmentVariable("PROVE") == "full";

        /// <summary>What it wrote, once it has ended.</summary>
        public string Errors => _errors.ToString().Trim();

        /// <summary>Runs a program to its end; what it proves is passed on.</summary>
        public static int Run(string program, TimeSpan patience, params string[] arguments)
        {
            using var run = new ProgramRun(program, PassOn, arguments);
            int exitCode = run.WaitForExit(patience);
            Assert.True(exitCode == 0, $"exit code {exitCode}: {run.Errors}");
            return exitCode;
        }

        public static void PassOn(string line)
        {
            if (line.StartsWith("prove: ", StringComparison.Ordinal))
            {
                Console.WriteLine(line);
            }
        }

        /// <summary>SIGKILL: nothing in it runs any more.</summary>
        public void Kill() => _process.Kill();

        public void Signal(string name)
        {
            using Process kill = Process.Start("kill", ["-s", name, $"{_process.Id}"]);
            kill.WaitForExit();
        }

        public void Await(ManualResetEventSlim happened, TimeSpan patience)
        {
            if (!happened.Wait(patience))
            {
                Fail(_process.HasExited ? $"it ended with {_process.ExitCode}" : "it hangs");
            }
        }

        public int WaitForExit(TimeSpan patience)
        {
            if (!_process.WaitForExit(patience))
            {
                Fail($"it did not end within {patience}");
            }

            // What it wrote is there in full.
            _process.WaitForExit();
            return _process.ExitCode;
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
                _process.WaitForExit();
            }

            _process.Dispose();
            _home.Delete(recursive: true);
        }

        private void Fail(string what)
        {
            string stacks = _process.HasExited ? "" : Stacks();
            Assert.Fail($"{what}\n{Errors}\n{stacks}");
        }

        /// <summary>Where its threads stand, as far as gdb is there and can tell.</summary>
        private string Stacks()
        {
            try
            {
                var start = new ProcessStartInfo("gdb", ["-p", $"{_process.Id}", "-batch", "-nx", "-ex", "thread apply all backtrace 24"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                };
                using Process gdb = Process.Start(start)!;
                Task<string> errors = gdb.StandardError.ReadToEndAsync();
                return gdb.StandardOutput.ReadToEnd();
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return "(no gdb here)";
            }
        }
    }
}
