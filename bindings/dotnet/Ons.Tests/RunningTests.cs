using System;
using System.Runtime.CompilerServices;
using Ons.Native;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against clients that are collected while they run, or kept for ever once they do not.</summary>
    public class RunningTests
    {
        [Fact]
        public void A_running_client_is_kept_until_it_is_shut_down()
        {
            WeakReference client = Start(isShutDown: false);
            Assert.True(IsKept(client));

            Remove(client);

            Assert.False(IsKept(client));
        }

        [Fact]
        public void A_client_that_was_shut_down_while_it_started_is_not_kept() => Assert.False(IsKept(Start(isShutDown: true)));

        // Not inlined, so that no frame of a test holds the client.
        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference Start(bool isShutDown)
        {
            var client = new Client();
            Running.Add(client, () => isShutDown);
            return new WeakReference(client);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Remove(WeakReference client) => Running.Remove((IDisposable)client.Target!);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static bool IsKept(WeakReference client)
        {
            GC.Collect();
            return client.IsAlive;
        }

        private sealed class Client : IDisposable
        {
            public void Dispose()
            {
            }
        }
    }
}
