using System;
using System.Collections.Concurrent;

namespace Ons.Native
{
    /// <summary>
    /// Clients that native threads call into. They stay alive, referenced by the program or not, until they are shut down; on
    /// .NET Framework an AppDomain that is unloaded shuts them down first, because nothing may be called in it afterwards.
    /// The end of the process needs no such care.
    /// </summary>
    internal static class Running
    {
        private static readonly ConcurrentDictionary<IDisposable, bool> s_clients = new();

        static Running()
        {
            AppDomain.CurrentDomain.DomainUnload += (_, _) =>
            {
                foreach (IDisposable client in s_clients.Keys)
                {
                    client.Dispose();
                }
            };
        }

        /// <summary>
        /// After a client's start. Its shutdown may have come in between, on another thread, and have found nothing to remove.
        /// </summary>
        public static void Add(IDisposable client, Func<bool> isShutDown)
        {
            s_clients[client] = true;
            if (isShutDown())
            {
                Remove(client);
            }
        }

        public static void Remove(IDisposable client) => s_clients.TryRemove(client, out _);
    }
}
